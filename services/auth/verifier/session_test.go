package verifier_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"axion/services/auth/verifier"
	"axion/services/contract"
)

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
	wants := func(context.Context) bool { return true }
	v := verifier.New(verifier.Options{Issuer: issuer, Now: c.Now, WantsToken: wants,
		Call: func(_ context.Context, typ string, in, out any) error {
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
	verify := func(token string) (id verifier.Identity, asked int32, err error) {
		before := calls.Load()
		id, err = v.Verify(t.Context(), token)
		return id, calls.Load() - before, err
	}

	for i, step := range []struct {
		after time.Duration
		asked int32
	}{{0, 1}, {0, 0}, {4 * time.Second, 0}, {2 * time.Second, 1}} {
		c.Add(step.after)
		id, asked, err := verify("good")
		if err != nil || id.UserID != "u" || id.Email != "e@x" || asked != step.asked {
			t.Errorf("step %d: got %+v, %v, asked %d, want %d", i, id, err, asked, step.asked)
		}
	}
	for _, name := range []string{"over", "nobody", "refused"} {
		if _, _, err := verify(name); !errors.Is(err, verifier.ErrUnauthorized) {
			t.Errorf("%s: got %v, want unauthorized", name, err)
		}
	}
	for _, name := range []string{"failed", "away", "timeless"} {
		if _, _, err := verify(name); err == nil || errors.Is(err, verifier.ErrUnauthorized) {
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
	c.Add(2 * time.Second)
	if _, err := v.Verify(t.Context(), "t"); !errors.Is(err, verifier.ErrUnauthorized) {
		t.Errorf("a cached session that has ended: got %v, want unauthorized", err)
	}
}

// TestDigest asks for a token in all its forms, which the auth service sees none of.
func TestDigest(t *testing.T) {
	t.Parallel()
	var asked []any
	v := verifier.New(verifier.Options{Issuer: issuer, Call: func(_ context.Context, typ string, in, out any) error {
		if typ != contract.ValidateSessionDigest {
			t.Errorf("type: got %s", typ)
		}
		asked = append(asked, in)
		*out.(*contract.Session) = contract.Session{UserID: "u", ExpiresAt: time.Now().Add(time.Hour).Format(time.RFC3339)}
		return nil
	}})
	for _, token := range []string{"tok", "tok.a+b/c=", "tok.a%2Bb%2Fc%3D", "tok.a+b/c"} {
		if id, err := v.Verify(t.Context(), token); err != nil || id.UserID != "u" {
			t.Errorf("%s: got %+v, %v", token, id, err)
		}
	}
	plain, signed := contract.ValidateSessionDigestRequest{Digest: sha("tok")}, contract.ValidateSessionDigestRequest{Digest: sha("tok.a+b/c")}
	if want := []any{plain, signed, signed, signed}; !slices.Equal(asked, want) {
		t.Errorf("got %v, want %v", asked, want)
	}
}

func sha(text string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(text))) }

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
