package proxy

import (
	"cmp"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"

	"axion/gateway/config"
)

// sticky is the cookie that keeps a client where it is.
type sticky struct {
	cookie http.Cookie
}

// newStick is nil where nothing sticks. As in Traefik, a SameSite that there is not is
// left out.
func newStick(service string, c *config.Sticky) *sticky {
	if c == nil || c.Cookie == nil {
		return nil
	}
	s := &sticky{cookie: http.Cookie{
		Name: cmp.Or(config.CookieName(c.Cookie.Name), cookieName(service)), Path: "/", Secure: c.Cookie.Secure, HttpOnly: c.Cookie.HTTPOnly,
		MaxAge: c.Cookie.MaxAge, Domain: c.Cookie.Domain,
	}}
	if c.Cookie.Path != nil {
		s.cookie.Path = *c.Cookie.Path
	}
	switch strings.ToLower(c.Cookie.SameSite) {
	case "none":
		s.cookie.SameSite = http.SameSiteNoneMode
	case "lax":
		s.cookie.SameSite = http.SameSiteLaxMode
	case "strict":
		s.cookie.SameSite = http.SameSiteStrictMode
	}
	return s
}

// cookieName is Traefik's for a service: an underscore and the beginning of a hash.
func cookieName(service string) string {
	sum := sha1.Sum([]byte(service))
	return "_" + hex.EncodeToString(sum[:])[:5]
}

// cookieValue is the cookie's value for one place.
func cookieValue(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:])[:16]
}

// of is the ticket that a client brings, or empty.
func (s *sticky) of(r *http.Request) string {
	c, err := r.Cookie(s.cookie.Name)
	if err != nil {
		return ""
	}
	return c.Value
}

// give has the client come back to the same place.
func (s *sticky) give(w http.ResponseWriter, ticket string) {
	c := s.cookie
	c.Value = ticket
	http.SetCookie(w, &c)
}
