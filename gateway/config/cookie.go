package config

import "strings"

// CookieName is name with an underscore for each character that the name of a cookie
// cannot have (RFC 6265, section 4.1.1), as in Traefik.
func CookieName(name string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.ContainsRune("!#$%&'*+-.^_`|~", c):
			return c
		}
		return '_'
	}, name)
}
