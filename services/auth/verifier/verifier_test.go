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
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"go.uber.org/goleak"

	"axion/services/auth/verifier"
	"axion/services/contract"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const issuer = "https://auth.localhost"

// shared is a symmetric key, which no issuer should publish.
const shared = "0123456789abcdef0123456789abcdef"

// clock is a time that the test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Unix(1_800_000_000, 0).UTC()} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

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
func sign(t *testing.T, c *clock, alg jose.SignatureAlgorithm, key any, kid string, claims map[string]any) string {
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
func embedded(t *testing.T, c *clock, key ed25519.PrivateKey) string {
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

func TestKeys(t *testing.T) {
	t.Parallel()
	t.Run("Rotation", func(t *testing.T) {
		t.Parallel()
		c, old, next := newClock(), newKeys(t), newKeys(t)
		var fetches atomic.Int32
		var rotated atomic.Bool
		url := serve(t, &fetches, func() jose.JSONWebKeySet {
			if rotated.Load() {
				return jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: next.ed.Public(), KeyID: "next"}}}
			}
			return old.set()
		})
		v := verifier.New(verifier.Options{Issuer: issuer, KeysURL: url, Call: noCall, Now: c.Now})
		verify := func(key ed25519.PrivateKey, kid string) error {
			_, err := v.Verify(t.Context(), sign(t, c, jose.EdDSA, key, kid, nil))
			return err
		}
		if err := verify(old.ed, "ed"); err != nil {
			t.Fatal(err)
		}
		rotated.Store(true)
		for range 20 {
			if err := verify(next.ed, "next"); !errors.Is(err, verifier.ErrUnauthorized) {
				t.Fatalf("before the pause is over: got %v, want unauthorized", err)
			}
		}
		if got := fetches.Load(); got != 1 {
			t.Errorf("fetches within the pause: got %d, want 1", got)
		}
		c.add(3 * time.Second)
		if err := verify(next.ed, "next"); err != nil {
			t.Errorf("new key: got %v", err)
		}
		if err := verify(old.ed, "ed"); !errors.Is(err, verifier.ErrUnauthorized) {
			t.Errorf("withdrawn key: got %v, want unauthorized", err)
		}
		if got := fetches.Load(); got != 2 {
			t.Errorf("fetches: got %d, want 2", got)
		}
	})
	t.Run("Withdrawn", func(t *testing.T) {
		t.Parallel()
		c, k := newClock(), newKeys(t)
		var fetches atomic.Int32
		var gone atomic.Bool
		url := serve(t, &fetches, func() jose.JSONWebKeySet {
			if gone.Load() {
				return jose.JSONWebKeySet{}
			}
			return k.set()
		})
		v := verifier.New(verifier.Options{Issuer: issuer, KeysURL: url, Call: noCall, Now: c.Now})
		for _, step := range []struct {
			after time.Duration
			ok    bool
		}{{0, true}, {9 * time.Minute, true}, {2 * time.Minute, false}} {
			c.add(step.after)
			_, err := v.Verify(t.Context(), sign(t, c, jose.EdDSA, k.ed, "ed", nil))
			if (err == nil) != step.ok {
				t.Errorf("after %v: got %v, want ok %v", step.after, err, step.ok)
			}
			gone.Store(true)
		}
	})
	t.Run("ErrIssuerAway", func(t *testing.T) {
		t.Parallel()
		c, k := newClock(), newKeys(t)
		var calls atomic.Int32
		away := errors.New("no answer")
		failing := true
		v := verifier.New(verifier.Options{Issuer: issuer, Now: c.Now, Call: func(_ context.Context, typ string, _, out any) error {
			if calls.Add(1); typ != contract.GetKeys {
				t.Errorf("type: got %s, want %s", typ, contract.GetKeys)
			}
			if failing {
				return away
			}
			raw, err := json.Marshal(k.set())
			return errors.Join(err, json.Unmarshal(raw, out))
		}})
		token := sign(t, c, jose.EdDSA, k.ed, "ed", nil)
		for range 3 {
			if _, err := v.Verify(t.Context(), token); !errors.Is(err, away) || errors.Is(err, verifier.ErrUnauthorized) {
				t.Fatalf("got %v, want an error that is not unauthorized", err)
			}
		}
		if got := calls.Load(); got != 1 {
			t.Errorf("questions: got %d, want 1: a failing issuer is left alone for a while", got)
		}
		failing = false
		c.add(3 * time.Second)
		if _, err := v.Verify(t.Context(), token); err != nil {
			t.Errorf("once it is back: got %v", err)
		}
		failing = true
		c.add(11 * time.Minute)
		if _, err := v.Verify(t.Context(), sign(t, c, jose.EdDSA, k.ed, "ed", nil)); err != nil {
			t.Errorf("known key while the issuer is away: got %v", err)
		}
	})
	t.Run("ErrStatus", func(t *testing.T) {
		t.Parallel()
		s := httptest.NewServer(http.NotFoundHandler())
		defer s.Close()
		c := newClock()
		v := verifier.New(verifier.Options{Issuer: issuer, KeysURL: s.URL, Call: noCall, Now: c.Now})
		_, err := v.Verify(t.Context(), sign(t, c, jose.EdDSA, newKeys(t).ed, "ed", nil))
		if err == nil || errors.Is(err, verifier.ErrUnauthorized) || !strings.Contains(err.Error(), s.URL+" answered 404") {
			t.Errorf("got %v, want an error that names the address", err)
		}
	})
	t.Run("KnownKeyDuringFetch", func(t *testing.T) {
		t.Parallel()
		c, k := newClock(), newKeys(t)
		block, asked := make(chan struct{}), make(chan struct{}, 2)
		var calls atomic.Int32
		v := verifier.New(verifier.Options{Issuer: issuer, Now: c.Now, Call: func(_ context.Context, _ string, _, out any) error {
			if calls.Add(1) > 1 {
				asked <- struct{}{}
				<-block
			}
			raw, err := json.Marshal(k.set())
			return errors.Join(err, json.Unmarshal(raw, out))
		}})
		token := sign(t, c, jose.EdDSA, k.ed, "ed", nil)
		if _, err := v.Verify(t.Context(), token); err != nil {
			t.Fatal(err)
		}
		c.add(3 * time.Second)
		unknown := sign(t, c, jose.EdDSA, k.ed, "made-up", nil)
		ended := make(chan error)
		go func() {
			_, err := v.Verify(context.Background(), unknown)
			ended <- err
		}()
		<-asked
		if _, err := v.Verify(t.Context(), token); err != nil {
			t.Errorf("a known key during a fetch: got %v", err)
		}
		close(block)
		if err := <-ended; !errors.Is(err, verifier.ErrUnauthorized) {
			t.Errorf("made-up key: got %v, want unauthorized", err)
		}
	})
}

// refusal is what the auth service answers.
type refusal struct{ refused bool }

func (r refusal) Error() string { return "answered" }
func (r refusal) Refused() bool { return r.refused }

func TestSession(t *testing.T) {
	t.Parallel()
	c := newClock()
	var calls atomic.Int32
	answers := map[string]any{
		"good":     contract.Session{UserID: "u", Email: "e@x", ExpiresAt: c.Now().Add(time.Hour).Format(time.RFC3339)},
		"over":     contract.Session{UserID: "u", ExpiresAt: c.Now().Format(time.RFC3339)},
		"nobody":   contract.Session{ExpiresAt: c.Now().Add(time.Hour).Format(time.RFC3339)},
		"timeless": contract.Session{UserID: "u", ExpiresAt: "soon"},
		"refused":  fmt.Errorf("wrapped: %w", refusal{true}),
		"failed":   refusal{false},
		"away":     context.DeadlineExceeded,
	}
	v := verifier.New(verifier.Options{Issuer: issuer, Now: c.Now, Call: func(_ context.Context, typ string, in, out any) error {
		calls.Add(1)
		if typ != contract.ValidateSession {
			t.Errorf("type: got %s", typ)
		}
		switch a := answers[in.(contract.ValidateSessionRequest).Token].(type) {
		case error:
			return a
		default:
			raw, err := json.Marshal(a)
			return errors.Join(err, json.Unmarshal(raw, out))
		}
	}})
	verify := func(token string) (verifier.Identity, error, int32) {
		before := calls.Load()
		id, err := v.Verify(t.Context(), token)
		return id, err, calls.Load() - before
	}

	for i, step := range []struct {
		after time.Duration
		asked int32
	}{{0, 1}, {0, 0}, {4 * time.Second, 0}, {2 * time.Second, 1}} {
		c.add(step.after)
		id, err, asked := verify("good")
		if err != nil || id.UserID != "u" || id.Email != "e@x" || asked != step.asked {
			t.Errorf("step %d: got %+v, %v, asked %d, want %d", i, id, err, asked, step.asked)
		}
	}
	for _, name := range []string{"over", "nobody", "refused"} {
		if _, err, _ := verify(name); !errors.Is(err, verifier.ErrUnauthorized) {
			t.Errorf("%s: got %v, want unauthorized", name, err)
		}
	}
	for _, name := range []string{"failed", "away", "timeless"} {
		if _, err, _ := verify(name); err == nil || errors.Is(err, verifier.ErrUnauthorized) {
			t.Errorf("%s: got %v, want an error that is not unauthorized", name, err)
		}
	}
}

func TestSessionEnds(t *testing.T) {
	t.Parallel()
	c := newClock()
	ends := c.Now().Add(2 * time.Second)
	v := verifier.New(verifier.Options{Issuer: issuer, Now: c.Now, Call: func(_ context.Context, _ string, _, out any) error {
		*out.(*contract.Session) = contract.Session{UserID: "u", ExpiresAt: ends.Format(time.RFC3339)}
		return nil
	}})
	if _, err := v.Verify(t.Context(), "t"); err != nil {
		t.Fatal(err)
	}
	c.add(2 * time.Second)
	if _, err := v.Verify(t.Context(), "t"); !errors.Is(err, verifier.ErrUnauthorized) {
		t.Errorf("a cached session that has ended: got %v, want unauthorized", err)
	}
}

func TestBearer(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]string{
		"Bearer abc": "abc", "bearer abc": "abc", "Bearer  abc ": "abc", "Basic abc": "", "abc": "", "": "", "Bearer": "",
	} {
		if got := verifier.Bearer(header); got != want {
			t.Errorf("Bearer(%q): got %q, want %q", header, got, want)
		}
	}
}
