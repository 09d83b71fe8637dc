package web

import (
	"crypto/rand"
	"crypto/subtle"
	"net/http"
)

// tokenHeader carries the token of a call that changes something.
const tokenHeader = "X-Axion-Token"

// token is a secret of this process that pages of the dashboard read from
// /api/session. A page elsewhere cannot read it, so that it cannot change
// anything either, whatever its browser sends along.
type token string

func newToken() token { return token(rand.Text()) }

// guard refuses what changes state without the token.
func (t token) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !safeMethod(r.Method) && subtle.ConstantTimeCompare([]byte(r.Header.Get(tokenHeader)), []byte(t)) != 1 {
			writeProblem(w, http.StatusForbidden, "calls that change something need the header "+tokenHeader+" with the token of /api/session")
			return
		}
		next.ServeHTTP(w, r)
	})
}
