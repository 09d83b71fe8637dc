package verifier

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"time"

	"axion/services/contract"
)

func (v *Verifier) verifySession(ctx context.Context, token string) (Identity, error) {
	if id, ok := v.sessions.get(token); ok {
		return id, nil
	}
	var session contract.Session
	err := v.ask(ctx, token, &session)
	var refused Refused
	if errors.As(err, &refused) && refused.Refused() {
		return Identity{}, unauthorized("unknown or expired session")
	}
	if err != nil {
		return Identity{}, fmt.Errorf("validate session: %w", err)
	}
	expires, err := time.Parse(time.RFC3339, session.ExpiresAt)
	if err != nil {
		return Identity{}, fmt.Errorf("validate session: the auth service's expiresAt: %w", err)
	}
	if !expires.After(v.opts.Now()) || session.UserID == "" {
		return Identity{}, unauthorized("expired session")
	}
	id := Identity{UserID: session.UserID, Email: session.Email, ExpiresAt: expires}
	v.sessions.put(token, id)
	return id, nil
}

// ask asks the auth service about a token, which only one that has to see it is
// reported.
func (v *Verifier) ask(ctx context.Context, token string, session *contract.Session) error {
	if v.opts.WantsToken != nil && v.opts.WantsToken(ctx) {
		return v.opts.Call(ctx, contract.ValidateSession, contract.ValidateSessionRequest{Token: token}, session)
	}
	return v.opts.Call(ctx, contract.ValidateSessionDigest, contract.ValidateSessionDigestRequest{Digest: Digest(token)}, session)
}

// sessions remembers valid sessions for sessionTTL, which is how long a
// signed-out token may still be accepted. Tokens are kept as digests only.
type sessions struct {
	now     func() time.Time
	mu      sync.Mutex
	byToken map[[32]byte]cached
}

type cached struct {
	id    Identity
	until time.Time
}

const (
	sessionTTL  = 5 * time.Second
	maxSessions = 10_000
)

func (s *sessions) get(token string) (Identity, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.byToken[sha256.Sum256([]byte(token))]
	return c.id, ok && s.now().Before(c.until)
}

func (s *sessions) put(token string, id Identity) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.byToken) >= maxSessions {
		clear(s.byToken) // rare, and each costs one question to the auth service
	}
	until := s.now().Add(sessionTTL)
	if id.ExpiresAt.Before(until) {
		until = id.ExpiresAt
	}
	s.byToken[sha256.Sum256([]byte(token))] = cached{id: id, until: until}
}
