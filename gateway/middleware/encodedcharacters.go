package middleware

import (
	"net/http"
	"strings"

	"axion/gateway/config"
)

// encodedCharacters refuses requests whose path holds escapes that servers are known
// to understand differently.
func encodedCharacters(c *config.EncodedCharacters) (Middleware, error) {
	var refused []string
	for escape, allowed := range map[string]bool{
		"%2F": c.AllowEncodedSlash, "%5C": c.AllowEncodedBackSlash, "%00": c.AllowEncodedNullCharacter, "%3B": c.AllowEncodedSemicolon,
		"%25": c.AllowEncodedPercent, "%3F": c.AllowEncodedQuestionMark, "%23": c.AllowEncodedHash,
	} {
		if !allowed {
			refused = append(refused, escape)
		}
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if path := r.URL.EscapedPath(); strings.Contains(path, "%") {
				path = strings.ToUpper(path)
				for _, escape := range refused {
					if strings.Contains(path, escape) {
						http.Error(w, http.StatusText(http.StatusBadRequest), http.StatusBadRequest)
						return
					}
				}
			}
			next.ServeHTTP(w, r)
		})
	}, nil
}
