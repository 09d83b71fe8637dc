package middleware

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"axion/gateway/config"
)

func stripPrefixRegex(c *config.StripPrefixRegex) (Middleware, error) {
	patterns := make([]*regexp.Regexp, 0, len(c.Regex))
	for i, text := range c.Regex {
		p, err := compile(fmt.Sprintf("stripprefixregex.regex[%d]", i), strings.TrimSpace(text))
		if err != nil {
			return nil, err
		}
		patterns = append(patterns, p)
	}
	if len(patterns) == 0 {
		return nil, errors.New("stripprefixregex.regex is empty")
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
