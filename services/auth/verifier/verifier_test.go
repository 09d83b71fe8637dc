package verifier_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"go.uber.org/goleak"

	"axion/services/auth/verifier"
	"axion/services/host/hosttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const issuer = "https://auth.localhost"

// shared is a symmetric key, which no issuer should publish.
const shared = "0123456789abcdef0123456789abcdef"

func newClock() *hosttest.Clock { return hosttest.NewClock(time.Unix(1_800_000_000, 0).UTC()) }

// keys are an issuer's private keys, of every accepted type.
type keys struct {
	ed  ed25519.PrivateKey
	ec  *ecdsa.PrivateKey
	rsa *rsa.PrivateKey
}

func newKeys(t *testing.T) keys {
	t.Helper()
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rs, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return keys{ed, ec, rs}
}

func (k keys) set() jose.JSONWebKeySet {
	return jose.JSONWebKeySet{Keys: []jose.JSONWebKey{
		{Key: k.ed.Public(), KeyID: "ed", Algorithm: "EdDSA"},
		{Key: k.ec.Public(), KeyID: "ec", Use: "sig"},
		{Key: k.rsa.Public(), KeyID: "rsa"},
		{Key: k.ec.Public(), KeyID: "for-encryption", Use: "enc"},
	}}
}

// sign makes a token; claims replaces single claims, nil removes one.
func sign(t *testing.T, c *hosttest.Clock, alg jose.SignatureAlgorithm, key any, kid string, claims map[string]any) string {
	t.Helper()
	all := map[string]any{
		"iss": issuer, "aud": issuer, "sub": "user-1", "email": "a@example.com",
		"iat": c.Now().Unix(), "exp": c.Now().Add(15 * time.Minute).Unix(),
	}
	for name, value := range claims {
		if all[name] = value; value == nil {
			delete(all, name)
		}
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: jose.JSONWebKey{Key: key, KeyID: kid}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	token, err := jwt.Signed(signer).Claims(all).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// serve publishes the set, together with keys of kinds that nobody knows.
func serve(t *testing.T, fetches *atomic.Int32, set func() jose.JSONWebKeySet) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fetches.Add(1)
		list := []any{
			map[string]string{"kty": "OKP", "crv": "X25519", "kid": "x", "x": "AAAA"},
			map[string]string{"kty": "NEW", "kid": "new"},
			map[string]string{"kty": "oct", "kid": "shared", "k": base64.RawURLEncoding.EncodeToString([]byte(shared))},
		}
		for _, k := range set().Keys {
			list = append(list, k)
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": list})
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func noCall(context.Context, string, any, any) error { return errors.New("not to be called") }

func TestJWT(t *testing.T) {
	t.Parallel()
	c, k, foreign := newClock(), newKeys(t), newKeys(t)
	var fetches atomic.Int32
	v := verifier.New(verifier.Options{Issuer: issuer, KeysURL: serve(t, &fetches, k.set), Call: noCall, Now: c.Now})
	publicPEM := func(key crypto.PublicKey) []byte {
		der, err := x509.MarshalPKIXPublicKey(key)
		if err != nil {
			t.Fatal(err)
		}
		return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	}
	ed := func(claims map[string]any) string { return sign(t, c, jose.EdDSA, k.ed, "ed", claims) }
	segment := func(v any) string {
		raw, _ := json.Marshal(v)
		return base64.RawURLEncoding.EncodeToString(raw)
	}
	parts := strings.Split(ed(nil), ".")
	at := func(d time.Duration) int64 { return c.Now().Add(d).Unix() }
	for _, tc := range []struct{ name, token, refused string }{
		{"OKEdDSA", ed(nil), ""},
		{"OKES256", sign(t, c, jose.ES256, k.ec, "ec", nil), ""},
		{"OKRS256", sign(t, c, jose.RS256, k.rsa, "rsa", nil), ""},
		{"OKAudiences", ed(map[string]any{"aud": []string{"x", issuer}}), ""},
		{"OKLeeway", ed(map[string]any{"exp": at(-2 * time.Second)}), ""},
		{"ErrExpired", ed(map[string]any{"exp": at(-time.Minute)}), "expired"},
		{"ErrNoExpiry", ed(map[string]any{"exp": nil}), "exp or sub"},
		{"ErrNoSubject", ed(map[string]any{"sub": nil}), "exp or sub"},
		{"ErrNotYet", ed(map[string]any{"nbf": at(time.Minute)}), "not valid yet"},
		{"ErrIssuer", ed(map[string]any{"iss": "https://example.com"}), "issuer"},
		{"ErrNoIssuer", ed(map[string]any{"iss": nil}), "issuer"},
		{"ErrAudience", ed(map[string]any{"aud": "https://example.com"}), "audience"},
		{"ErrNoAudience", ed(map[string]any{"aud": nil}), "audience"},
		{"ErrForeignKey", sign(t, c, jose.EdDSA, foreign.ed, "ed", nil), "signature"},
		{"ErrUnknownKey", sign(t, c, jose.EdDSA, foreign.ed, "other", nil), "unknown key"},
		{"ErrEncryptionKey", sign(t, c, jose.ES256, k.ec, "for-encryption", nil), "unknown key"},
		{"ErrOtherKeysID", sign(t, c, jose.ES256, k.ec, "ed", nil), "unknown key"},
		{"ErrOtherAlgorithm", sign(t, c, jose.PS256, k.rsa, "rsa", nil), "malformed"},
		{"ErrHS256PublicKeyBytes", sign(t, c, jose.HS256, []byte(k.ed.Public().(ed25519.PublicKey)), "ed", nil), "malformed"},
		{"ErrHS256PublicKeyPEM", sign(t, c, jose.HS256, publicPEM(k.rsa.Public()), "rsa", nil), "malformed"},
		{"ErrHS256SharedKey", sign(t, c, jose.HS256, []byte(shared), "shared", nil), "malformed"},
		{"ErrNone", segment(map[string]string{"alg": "none", "kid": "ed"}) + "." + parts[1] + ".", "malformed"},
		{"ErrNoneSigned", segment(map[string]string{"alg": "none", "kid": "ed"}) + "." + parts[1] + "." + parts[2], "malformed"},
		{"ErrNoSignature", parts[0] + "." + parts[1] + ".", "bad JWT signature"},
		{"ErrChangedClaims", parts[0] + "." + segment(map[string]any{"sub": "root"}) + "." + parts[2], "signature"},
		{"ErrEmbeddedKey", embedded(t, c, foreign.ed), "unknown key"},
		{"ErrGarbage", "a.b.c", "malformed"},
		{"ErrEmpty", "", "no bearer token"},
		{"ErrTooLong", strings.Repeat("x", 9<<10), "too long"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			id, err := v.Verify(t.Context(), tc.token)
			if tc.refused == "" {
				if err != nil || id.UserID != "user-1" || id.Email != "a@example.com" || id.ExpiresAt.IsZero() {
					t.Errorf("got %+v, %v", id, err)
				}
				return
			}
			if !errors.Is(err, verifier.ErrUnauthorized) || !strings.Contains(err.Error(), tc.refused) || id != (verifier.Identity{}) {
				t.Errorf("got %+v, %v, want unauthorized: %s", id, err, tc.refused)
			}
		})
	}
	if got := fetches.Load(); got != 1 {
		t.Errorf("fetches: got %d, want 1: unknown ids must not cost the issuer more", got)
	}
}

// embedded carries its own key in the header, as RFC 7515 allows and nobody
// should trust.
func embedded(t *testing.T, c *hosttest.Clock, key ed25519.PrivateKey) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: key}, &jose.SignerOptions{EmbedJWK: true})
	if err != nil {
		t.Fatal(err)
	}
	token, err := jwt.Signed(signer).Claims(map[string]any{
		"iss": issuer, "aud": issuer, "sub": "root", "exp": c.Now().Add(time.Hour).Unix(),
	}).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}
