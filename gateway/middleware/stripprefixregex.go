package middleware

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"axion/gateway/config"
)

func stripPrefixRegex(c *config.StripPrefixRegex) (Middleware, error) {
	patterns := make([]*regexp.Regexp, 0, len(c.Regex))
	for i, text := range c.Regex {
		if text = strings.TrimSpace(text); text == "" {
			continue // it would strip nothing
		}
		p, err := compile(fmt.Sprintf("stripprefixregex.regex[%d]", i), text)
		if err != nil {
			return nil, err
		}
		patterns = append(patterns, p)
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			for _, p := range patterns {
				if at := p.FindStringIndex(r.URL.Path); at != nil && at[0] == 0 && at[1] > 0 {
					strip(w, r, next, r.URL.Path[:at[1]])
					return
				}
			}
			next.ServeHTTP(w, r)
		})
	}, nil
}
