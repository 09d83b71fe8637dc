package guard

import (
	"crypto/rand"
	"crypto/subtle"
	"net/http"

	"axion/web/respond"
)

// TokenHeader carries the token of a call that changes something.
const TokenHeader = "X-Axion-Token"

// Token is a secret of this process that pages of the dashboard read from
// /api/session. A page elsewhere cannot read it, so that it cannot change
// anything either, whatever its browser sends along.
type Token string

// NewToken makes a secret.
func NewToken() Token { return Token(rand.Text()) }

// Guard refuses what changes state without the token.
func (t Token) Guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !SafeMethod(r.Method) && subtle.ConstantTimeCompare([]byte(r.Header.Get(TokenHeader)), []byte(t)) != 1 {
			respond.Problem(w, http.StatusForbidden, "calls that change something need the header "+TokenHeader+" with the token of /api/session")
			return
		}
		next.ServeHTTP(w, r)
	})
}
