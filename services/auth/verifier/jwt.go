package verifier

import (
	"context"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// algorithms is the whole list of signatures that are accepted at all; which of
// them fits a key is decided by the key.
var algorithms = []jose.SignatureAlgorithm{jose.EdDSA, jose.ES256, jose.RS256}

// leeway forgives clocks that differ a little.
const leeway = 5 * time.Second

func (v *Verifier) verifyJWT(ctx context.Context, token string) (Identity, error) {
	parsed, err := jwt.ParseSigned(token, algorithms)
	if err != nil {
		return Identity{}, unauthorized("malformed JWT")
	}
	header := parsed.Headers[0]
	key, err := v.keys.find(ctx, header.KeyID)
	if err != nil {
		return Identity{}, err
	}
	// The algorithm is the key's, never the token's choice.
	if key == nil || header.Algorithm != key.Algorithm {
		return Identity{}, unauthorized("JWT signed by an unknown key")
	}
	var claims jwt.Claims
	var user struct {
		Email string `json:"email"`
	}
	if err := parsed.Claims(key, &claims, &user); err != nil {
		return Identity{}, unauthorized("bad JWT signature")
	}
	if claims.Expiry == nil || claims.Subject == "" {
		return Identity{}, unauthorized("JWT lacks exp or sub")
	}
	expected := jwt.Expected{Issuer: v.opts.Issuer, AnyAudience: jwt.Audience{v.opts.Issuer}, Time: v.opts.Now()}
	if err := claims.ValidateWithLeeway(expected, leeway); err != nil {
		return Identity{}, unauthorized(err.Error())
	}
	return Identity{UserID: claims.Subject, Email: user.Email, ExpiresAt: claims.Expiry.Time()}, nil
}
