package middleware

import (
	"net/http"
	"net/url"
	"strings"

	"axion/gateway/config"
)

func redirectRegex(c *config.RedirectRegex) (Middleware, error) {
	pattern, err := compile("redirectregex.regex", c.Regex)
	if err != nil {
		return nil, err
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			from := fullURL(r)
			if !pattern.MatchString(from) {
				next.ServeHTTP(w, r)
				return
			}
			to := pattern.ReplaceAllString(from, c.Replacement)
			if to == from { // it would send the client in a circle
				next.ServeHTTP(w, r)
				return
			}
			// What does not parse may hold line breaks, say.
			u, err := url.Parse(to)
			if err != nil {
				http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
				return
			}
			w.Header().Set("Location", u.String())
			status := redirectStatus(r.Method, c.Permanent)
			w.WriteHeader(status)
			_, _ = w.Write([]byte(http.StatusText(status)))
		})
	}, nil
}

// fullURL is the URL that the client used: over TLS or not, its host and port as
// it gave them, and the target, which may be a whole URL itself.
func fullURL(r *http.Request) string {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	host, target := r.Host, r.RequestURI
	if !strings.HasPrefix(target, "/") {
		if u, err := url.Parse(target); err == nil && u.Host != "" {
			host, target = u.Host, u.RequestURI()
		}
	}
	return scheme + "://" + host + target
}
