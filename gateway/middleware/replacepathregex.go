package middleware

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"axion/gateway/config"
)

func replacePathRegex(c *config.ReplacePathRegex) (Middleware, error) {
	pattern, err := compile("replacepathregex.regex", strings.TrimSpace(c.Regex))
	if err != nil {
		return nil, err
	}
	replacement := strings.TrimSpace(c.Replacement)
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			was := escapedPath(r.URL)
			if !pattern.MatchString(was) {
				next.ServeHTTP(w, r)
				return
			}
			raw := slashed(pattern.ReplaceAllString(was, replacement))
			path, err := url.PathUnescape(raw)
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			r.Header.Add(replacedPath, was)
			serveAt(w, r, next, path, raw, true)
		})
	}, nil
}

// compile names the field in the error.
func compile(field, pattern string) (*regexp.Regexp, error) {
	if pattern == "" {
		return nil, fmt.Errorf("%s is empty", field)
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", field, err)
	}
	return re, nil
}
