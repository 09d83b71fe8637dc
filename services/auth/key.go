package auth

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// jwtLifetime is how long a JWT is valid; a session issues a new one at any time.
const jwtLifetime = 15 * time.Minute

// secretBytes is the size of the cookie secret, and of the signing key's seed.
const secretBytes = 32

// keys are the provider's own secrets; read-only once opened.
type keys struct {
	cookie []byte
	signer jose.Signer
	public Keys
}

// openKeys reads the secrets, making those that are missing.
func openKeys(ctx context.Context, db *sql.DB) (*keys, error) {
	cookie, err := secret(ctx, db, "cookie")
	if err != nil {
		return nil, err
	}
	seed, err := secret(ctx, db, "signing-key")
	if err != nil {
		return nil, err
	}
	private := ed25519.NewKeyFromSeed(seed)
	public := private.Public().(ed25519.PublicKey)
	digest := sha256.Sum256(public)
	id := base64.RawURLEncoding.EncodeToString(digest[:12])
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: jose.EdDSA, Key: jose.JSONWebKey{Key: private, KeyID: id}},
		(&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return nil, fmt.Errorf("open signing key: %w", err)
	}
	return &keys{cookie: cookie, signer: signer, public: Keys{[]Key{{
		Algorithm: string(jose.EdDSA), Curve: "Ed25519", Type: "OKP", X: base64.RawURLEncoding.EncodeToString(public), ID: id,
	}}}}, nil
}

// secret returns the named secret. It is inserted before it is read, so that
// two processes that start together on one database agree.
func secret(ctx context.Context, db *sql.DB, name string) ([]byte, error) {
	fresh := make([]byte, secretBytes)
	_, _ = rand.Read(fresh) // never fails
	_, err := db.ExecContext(ctx, `INSERT INTO secrets (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING`,
		name, base64.StdEncoding.EncodeToString(fresh))
	if err != nil {
		return nil, fmt.Errorf("make secret %s: %w", name, err)
	}
	var stored string
	if err := db.QueryRowContext(ctx, `SELECT value FROM secrets WHERE name = $1`, name).Scan(&stored); err != nil {
		return nil, fmt.Errorf("read secret %s: %w", name, err)
	}
	value, err := base64.StdEncoding.DecodeString(stored)
	if err != nil || len(value) != secretBytes {
		return nil, fmt.Errorf("read secret %s: the stored value is damaged", name)
	}
	return value, nil
}

// issuer issues JWTs.
type issuer struct {
	signer jose.Signer
	url    string // the issuer and audience
	now    func() time.Time
}

// jwt returns a JWT of u.
func (i *issuer) jwt(u User) (string, error) {
	now := i.now()
	token, err := jwt.Signed(i.signer).Claims(u).Claims(jwt.Claims{
		Subject: u.ID, Issuer: i.url, Audience: jwt.Audience{i.url},
		IssuedAt: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(jwtLifetime)),
	}).Serialize()
	if err != nil {
		return "", fmt.Errorf("sign JWT: %w", err)
	}
	return token, nil
}
