package verifier_test

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"axion/services/auth/verifier"
	"axion/services/contract"
)

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
		c.Add(3 * time.Second)
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
			c.Add(step.after)
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
		c.Add(3 * time.Second)
		if _, err := v.Verify(t.Context(), token); err != nil {
			t.Errorf("once it is back: got %v", err)
		}
		failing = true
		c.Add(11 * time.Minute)
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
		c.Add(3 * time.Second)
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
