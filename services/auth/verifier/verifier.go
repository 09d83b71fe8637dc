// Package verifier says who a bearer token belongs to. It accepts the two
// kinds that Better Auth issues: signed JWTs, checked against the issuer's
// public keys, and opaque session tokens, which it asks the auth service about.
package verifier

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"
)

// ErrUnauthorized is what Verify returns, wrapped with the reason, for a token
// that is missing, malformed, expired, revoked, or issued by somebody else.
var ErrUnauthorized = errors.New("unauthorized")

// Identity is the owner of a valid token.
type Identity struct {
	UserID    string
	Email     string
	ExpiresAt time.Time
}

// Caller asks the auth service over the bus: typ is the request's type, in and
// out are its JSON data and answer. A refusal comes back as a [Refused].
type Caller func(ctx context.Context, typ string, in, out any) error

// Refused is implemented by errors that the auth service itself answered with,
// as opposed to not answering at all.
type Refused interface{ Refused() bool }

// Options configures a [Verifier].
type Options struct {
	// Issuer is the only accepted "iss" and "aud" of a JWT.
	Issuer string
	// KeysURL is where an external issuer publishes its JSON Web Key Set. Empty
	// means that the auth service is asked for its keys over Call.
	KeysURL string
	// Call reaches the auth service; required.
	Call Caller
	// WantsToken reports that the auth service knows no digests of tokens, so that
	// it has to be sent the token itself. Nil: it knows them, as the builtin does.
	WantsToken func(context.Context) bool
	// HTTP fetches KeysURL; nil means a client with a 5 s timeout.
	HTTP *http.Client
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Verifier verifies tokens. It is safe for concurrent use.
type Verifier struct {
	opts     Options
	keys     keyring
	sessions sessions
}

// New returns a Verifier; it asks nobody until the first token comes.
func New(o Options) *Verifier {
	if o.HTTP == nil {
		o.HTTP = &http.Client{Timeout: 5 * time.Second}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	v := &Verifier{opts: o}
	v.keys = keyring{fetch: v.fetchKeys, now: o.Now}
	v.sessions = sessions{now: o.Now, byToken: map[[32]byte]cached{}}
	return v
}

// Verify returns whom token belongs to. An error that is not ErrUnauthorized
// means that the question could not be answered, and may be asked again.
func (v *Verifier) Verify(ctx context.Context, token string) (Identity, error) {
	switch {
	case token == "":
		return Identity{}, unauthorized("no bearer token")
	case len(token) > maxToken:
		return Identity{}, unauthorized("token too long")
	case strings.Count(token, ".") == 2:
		return v.verifyJWT(ctx, token)
	default:
		return v.verifySession(ctx, token)
	}
}

// maxToken bounds what is parsed and sent on; real tokens are under 1 KB.
const maxToken = 8 << 10

func unauthorized(reason string) error {
	return &reasonError{reason}
}

type reasonError struct{ reason string }

func (e *reasonError) Error() string { return "unauthorized: " + e.reason }
func (e *reasonError) Unwrap() error { return ErrUnauthorized }

// Bearer returns the token of an Authorization header (RFC 6750), or "" where
// the header has another form.
func Bearer(header string) string {
	scheme, token, ok := strings.Cut(header, " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}
