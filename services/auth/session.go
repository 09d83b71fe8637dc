package auth

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"axion/services/auth/verifier"
)

const (
	// sessionTime is how long a session lasts.
	sessionTime = 7 * 24 * time.Hour
	// shortTime is how long one lasts that is not to be remembered.
	shortTime = 24 * time.Hour
	// tokenBytes is the randomness of a session token.
	tokenBytes = 32
	// maxAgent bounds, in bytes, what is kept of a User-Agent header.
	maxAgent = 512
)

// Session is a session as the API shows it. Token is the one that was sent: the
// database has its digest only.
type Session struct {
	ID        string    `json:"id"`
	UserID    string    `json:"userId"`
	Token     string    `json:"token"`
	ExpiresAt time.Time `json:"expiresAt"`
	CreatedAt time.Time `json:"createdAt"`
	UpdatedAt time.Time `json:"updatedAt"`
	IPAddress string    `json:"ipAddress"`
	UserAgent string    `json:"userAgent"`
}

// errNoSession is an unknown, expired or ended session.
var errNoSession = errors.New("unknown or expired session")

// openSession signs u in for d.
func (s *Service) openSession(ctx context.Context, u User, d time.Duration, c client) (Session, error) {
	random := make([]byte, tokenBytes)
	_, _ = rand.Read(random) // never fails
	now := s.now()
	session := Session{
		ID: uuid.Must(uuid.NewV7()).String(), UserID: u.ID,
		Token:     base64.RawURLEncoding.EncodeToString(random),
		ExpiresAt: now.Add(d), CreatedAt: now, UpdatedAt: now,
		IPAddress: c.ip, UserAgent: c.agent[:min(len(c.agent), maxAgent)],
	}
	_, err := s.DB.ExecContext(ctx, `INSERT INTO sessions (digest, signed_digest, id, user_id, ip_address, user_agent, expires_at, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`, verifier.Digest(session.Token), verifier.Digest(s.keys.sign(session.Token)), session.ID, u.ID,
		session.IPAddress, session.UserAgent, session.ExpiresAt.UnixMilli(), now.UnixMilli())
	if err != nil {
		return Session{}, fmt.Errorf("open session: %w", err)
	}
	return session, nil
}

// findSession returns the live session of a token and its user, or
// errNoSession.
func (s *Service) findSession(ctx context.Context, token string) (Session, User, error) {
	session, u, err := s.findDigest(ctx, "digest", verifier.Digest(token))
	session.Token = token
	return session, u, err
}

// findDigest is findSession by one of the columns of digests. The session that it
// returns has no token.
func (s *Service) findDigest(ctx context.Context, column, digest string) (Session, User, error) {
	session, u := Session{}, User{}
	var expires, opened, created, updated int64
	row := s.DB.QueryRowContext(ctx, `SELECT s.id, s.user_id, s.ip_address, s.user_agent, s.expires_at, s.created_at, `+userColumns+`
		FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.`+column+` = $1 AND s.expires_at > $2`,
		digest, s.now().UnixMilli())
	err := row.Scan(append([]any{&session.ID, &session.UserID, &session.IPAddress, &session.UserAgent, &expires, &opened},
		u.fields(&created, &updated)...)...)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return Session{}, User{}, errNoSession
	case err != nil:
		return Session{}, User{}, fmt.Errorf("find session: %w", err)
	}
	u.setTimes(created, updated)
	session.ExpiresAt, session.CreatedAt = time.UnixMilli(expires).UTC(), time.UnixMilli(opened).UTC()
	session.UpdatedAt = session.CreatedAt
	return session, u, nil
}

// closeSession ends the session of a token, if there is one.
func (s *Service) closeSession(ctx context.Context, token string) error {
	if _, err := s.DB.ExecContext(ctx, `DELETE FROM sessions WHERE digest = $1`, verifier.Digest(token)); err != nil {
		return fmt.Errorf("close session: %w", err)
	}
	return nil
}

// sweepTime is how often expired sessions are deleted, which nobody finds any
// more before that either.
const sweepTime = 10 * time.Minute

// sweepSessions deletes expired sessions at once and then now and again, until ctx
// ends. A database that is away is told by the health checks.
func (s *Service) sweepSessions(ctx context.Context) error {
	ticker := time.NewTicker(sweepTime)
	defer ticker.Stop()
	for {
		if err := s.deleteExpired(ctx); err != nil && ctx.Err() == nil {
			s.Log.Debug("expired sessions stay", "error", err)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
	}
}

func (s *Service) deleteExpired(ctx context.Context) error {
	_, err := s.DB.ExecContext(ctx, `DELETE FROM sessions WHERE expires_at <= $1`, s.now().UnixMilli())
	return err
}
