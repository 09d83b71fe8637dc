package auth

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"axion/services/auth/verifier"
	"axion/services/bus"
	"axion/services/clustertest"
	"axion/services/contract"
	"axion/services/host"
	"axion/services/host/hosttest"
)

// peer is another service on the same broker.
func peer(t *testing.T, o host.Options) *host.Host {
	t.Helper()
	h, err := host.New(t.Context(), contract.Graph, fstest.MapFS{
		"00001_none.sql": {Data: []byte("-- +goose Up\nCREATE TABLE none (id INTEGER);")},
	}, o)
	return hosttest.Start(t, h, err).Host
}

// TestVerified asks the provider as the other services do: over Kafka.
func TestVerified(t *testing.T) {
	t.Parallel()
	cluster := hosttest.Cluster(t)
	s := start(t, cluster, t.TempDir())
	s.clock.Add(-time.Second) // whole seconds in JWTs round up nowhere
	h := peer(t, hostOptions(t, cluster, t.TempDir()))
	in := s.signIn(t)
	jwt := s.send(t, http.MethodGet, "/token", "", "Authorization: Bearer "+in.fields.Token).fields.Token
	dev, err := s.DevelopmentToken(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name, token string
		ok          bool
	}{
		{"Session", in.fields.Token, true},
		{"Signed", in.cookie().Value, true},
		{"Development", dev, true},
		{"JWT", jwt, true},
		{"ErrUnknown", strings.Repeat("A", 43), false},
		{"ErrForged", dev + ".AAAA", false},
		{"ErrChangedJWT", jwt[:strings.LastIndex(jwt, ".")] + "." + strings.Repeat("A", 86), false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			id, err := h.Verifier.Verify(t.Context(), tc.token)
			if !tc.ok {
				if !errors.Is(err, verifier.ErrUnauthorized) {
					t.Errorf("got %+v, %v, want unauthorized", id, err)
				}
				return
			}
			if err != nil || id.UserID != in.fields.User.ID || id.Email != DevelopmentEmail || !id.ExpiresAt.After(s.clock.Now()) {
				t.Errorf("got %+v, %v", id, err)
			}
		})
	}
	t.Run("Digest", func(t *testing.T) { // what the others have just asked, and what of it the topics hold
		for digest, ok := range map[string]bool{
			verifier.Digest(in.fields.Token): true, verifier.Digest(in.cookie().Value): true, verifier.Digest("other"): false, "": false,
			strings.ToUpper(verifier.Digest(in.fields.Token)): false, verifier.Digest(verifier.Digest(in.fields.Token)): false,
		} {
			var got contract.Session
			err := h.Bus.Request(t.Context(), bus.Call{
				Topic: contract.PatternTopic(contract.Auth, contract.ValidateSessionDigest), Service: contract.Auth,
				In: contract.ValidateSessionDigestRequest{Digest: digest}, Out: &got,
			})
			if ok != (err == nil && got.UserID == in.fields.User.ID && got.ExpiresAt != "") {
				t.Errorf("%q: got %+v, %v, want found %t", digest, got, err, ok)
			}
		}
		wantHidden(t, cluster, in.fields.Token, dev)
	})
	t.Run("Keys", func(t *testing.T) {
		var overBus, overHTTP json.RawMessage
		err := h.Bus.Request(t.Context(), bus.Call{
			Topic: contract.Topic(contract.Auth), Service: contract.Auth, Type: contract.GetKeys, In: struct{}{}, Out: &overBus,
		})
		overHTTP = json.RawMessage(strings.TrimSpace(s.send(t, http.MethodGet, "/jwks", "").Body))
		if err != nil || string(overBus) != string(overHTTP) {
			t.Errorf("got %s, %v, want %s", overBus, err, overHTTP)
		}
	})
	t.Run("ErrNotARequest", func(t *testing.T) {
		err := h.Bus.Request(t.Context(), bus.Call{
			Topic: contract.Topic(contract.Auth), Service: contract.Auth, Type: contract.ValidateSession, In: []int{1},
		})
		var remote *bus.RemoteError
		if !errors.As(err, &remote) {
			t.Errorf("got %v, want the provider's refusal", err)
		}
	})
	t.Run("ErrFailed", func(t *testing.T) {
		if err := s.DB.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Verifier.Verify(t.Context(), "another"); err == nil || errors.Is(err, verifier.ErrUnauthorized) {
			t.Errorf("got %v, want an error that is not unauthorized", err)
		}
	})
}

// wantHidden reads all that the topics hold, and wants none of the tokens there.
func wantHidden(t *testing.T, cluster *clustertest.Broker, tokens ...string) {
	t.Helper()
	records := hosttest.Held(t, cluster, contract.Topics()...)
	if len(records) == 0 {
		t.Fatal("the topics hold nothing")
	}
	for _, r := range records {
		for _, token := range tokens {
			if strings.Contains(fmt.Sprintf("%s %s %s", r.Key, r.Value, r.Headers), token) {
				t.Errorf("a token stands in %s: %s", r.Topic, r.Value)
			}
		}
	}
}

func TestJWT(t *testing.T) {
	t.Parallel()
	s := start(t, hosttest.Cluster(t), t.TempDir())
	in := s.signIn(t)
	a := s.send(t, http.MethodGet, "/token", "", "Authorization: Bearer "+in.fields.Token)
	parts := strings.Split(a.fields.Token, ".")
	if a.Status != http.StatusOK || len(parts) != 3 || a.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("got %d %s", a.Status, a.Body)
	}
	var header struct{ Alg, Kid, Typ string }
	var claims struct {
		User
		Sub, Iss, Aud string
		Iat, Exp      int64
	}
	decode(t, parts[0], &header)
	decode(t, parts[1], &claims)
	if header.Alg != "EdDSA" || header.Kid == "" || header.Kid != s.api.keys.public.Keys[0].ID {
		t.Errorf("header: got %+v", header)
	}
	if claims.Iss != baseURL || claims.Aud != baseURL || claims.Sub != in.fields.User.ID || claims.ID != claims.Sub ||
		claims.Email != DevelopmentEmail || claims.Name != DevelopmentName || claims.Exp-claims.Iat != 900 {
		t.Errorf("claims: got %+v", claims)
	}
	if a := s.send(t, http.MethodGet, "/token", ""); a.Status != http.StatusUnauthorized {
		t.Errorf("without a session: got %d, want 401", a.Status)
	}
}
