package host_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"axion/services/auth/verifier"
	"axion/services/bus"
	"axion/services/contract"
	"axion/services/host"
	"axion/services/host/hosttest"
)

// identities stands in for an auth service of the user's own or for the builtin, by
// the requests that it answers, and keeps what it was asked.
type identities struct {
	mu    sync.Mutex
	asked []string
}

func (i *identities) answer(_ context.Context, m *bus.Message) (any, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.asked = append(i.asked, m.Type+" "+string(m.Value))
	return contract.Session{UserID: "u", ExpiresAt: time.Now().Add(time.Hour).Format(time.RFC3339)}, nil
}

// next is what was asked since the last call.
func (i *identities) next() string {
	i.mu.Lock()
	defer i.mu.Unlock()
	asked := strings.Join(i.asked, "\n")
	i.asked = nil
	return asked
}

// TestAskAuth changes the auth service under a running service: the builtin's kind
// is asked by digests, and one that knows no digests by tokens.
func TestAskAuth(t *testing.T) {
	t.Parallel()
	cluster := hosttest.Cluster(t)
	h, err := host.New(t.Context(), contract.Graph, noMigrations, hosttest.Options(t, cluster, t.TempDir()))
	hosttest.Start(t, h, err)
	var seen identities
	builtin := map[string]bus.Handler{contract.ValidateSession: seen.answer, contract.ValidateSessionDigest: seen.answer}
	replacement := map[string]bus.Handler{contract.ValidateSession: seen.answer}
	digest := func(token string) string {
		return contract.ValidateSessionDigest + ` {"digest":"` + verifier.Digest(token) + `"}`
	}
	plain := func(token string) string { return contract.ValidateSession + ` {"token":"` + token + `"}` }
	for _, phase := range []struct {
		token    string
		want     func(token string) string
		handlers map[string]bus.Handler
	}{{"first-secret", digest, builtin}, {"shown", plain, replacement}, {"second-secret", digest, builtin}} {
		stop := hosttest.Answer(t, cluster, contract.Auth, phase.handlers)
		// What is known of the one before counts for a while yet.
		for deadline := time.Now().Add(hosttest.Deadline); ; {
			probe := "before-" + strconv.FormatInt(time.Now().UnixNano(), 10)
			ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
			_, err := h.Verifier.Verify(ctx, probe)
			cancel()
			asked := seen.next() // and what others of the probes have left in the topics
			if err == nil && strings.Contains(asked, phase.want(probe)) {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s: got %q, %v", phase.token, asked, err)
			}
		}
		if _, err := h.Verifier.Verify(t.Context(), phase.token); err != nil {
			t.Fatal(err)
		}
		if got := seen.next(); !strings.Contains(got, phase.want(phase.token)) {
			t.Errorf("got %s, want %s", got, phase.want(phase.token))
		}
		stop()
	}
	for _, r := range hosttest.Held(t, cluster, contract.Topics()...) {
		if strings.Contains(string(r.Value), "-secret") {
			t.Errorf("a token stands in %s: %s", r.Topic, r.Value)
		}
	}
}

// TestAskNobody has no auth service at all: nobody is sent a token.
func TestAskNobody(t *testing.T) {
	t.Parallel()
	cluster := hosttest.Cluster(t)
	h, err := host.New(t.Context(), contract.Graph, noMigrations, hosttest.Options(t, cluster, t.TempDir()))
	hosttest.Start(t, h, err)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := h.Verifier.Verify(ctx, "a-secret"); err == nil || errors.Is(err, verifier.ErrUnauthorized) {
		t.Errorf("got %v, want an error that is not unauthorized", err)
	}
	for _, r := range hosttest.Held(t, cluster, contract.Topics()...) {
		if strings.Contains(string(r.Value), "a-secret") {
			t.Errorf("the token stands in %s: %s", r.Topic, r.Value)
		}
	}
}
