package middleware

import (
	"net/http"
	"slices"
	"strings"

	"axion/gateway/config"
)

func stripPrefix(c *config.StripPrefix) (Middleware, error) {
	prefixes := make([]string, 0, len(c.Prefixes))
	for _, p := range c.Prefixes {
		if p = strings.TrimSpace(p); p != "" {
			prefixes = append(prefixes, p)
		}
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			i := slices.IndexFunc(prefixes, func(p string) bool { return strings.HasPrefix(r.URL.Path, p) })
			if i < 0 {
				next.ServeHTTP(w, r)
				return
			}
			strip(w, r, next, prefixes[i])
		})
	}, nil
}

// strip serves r without the prefix of its path, which the service gets in a header.
func strip(w http.ResponseWriter, r *http.Request, next http.Handler, prefix string) {
	raw := ""
	if r.URL.RawPath != "" {
		raw = slashed(skipDecoded(r.URL.RawPath, len(prefix)))
	}
	r.Header.Add("X-Forwarded-Prefix", prefix)
	serveAt(w, r, next, slashed(r.URL.Path[len(prefix):]), raw, true)
}

// skipDecoded cuts from an escaped path what decodes to its first n bytes.
func skipDecoded(escaped string, n int) string {
	i := 0
	for ; n > 0 && i < len(escaped); n-- {
		if escaped[i] == '%' {
			i += len("%XX")
		} else {
			i++
		}
	}
	return escaped[min(i, len(escaped)):]
}
