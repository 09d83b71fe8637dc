package auth

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"axion/services/auth/verifier"
)

const (
	// sessionLifetime is the lifetime of a session.
	sessionLifetime = 7 * 24 * time.Hour
	// shortLifetime is the lifetime of one that is not to be remembered.
	shortLifetime = 24 * time.Hour
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

// sessions stores sessions.
type sessions struct {
	db   *sql.DB
	keys *keys
	now  func() time.Time
	log  *slog.Logger
}

// errNoSession is an unknown, expired or ended session.
var errNoSession = errors.New("unknown or expired session")

// open signs u in for d.
func (s *sessions) open(ctx context.Context, u User, d time.Duration, c client) (Session, error) {
	random := make([]byte, tokenBytes)
	_, _ = rand.Read(random) // never fails
	now := s.now()
	session := Session{
		ID: uuid.Must(uuid.NewV7()).String(), UserID: u.ID,
		Token:     base64.RawURLEncoding.EncodeToString(random),
		ExpiresAt: now.Add(d), CreatedAt: now, UpdatedAt: now,
		IPAddress: c.ip, UserAgent: c.agent[:min(len(c.agent), maxAgent)],
	}
	_, err := s.db.ExecContext(ctx, `INSERT INTO sessions (digest, signed_digest, id, user_id, ip_address, user_agent, expires_at, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`, verifier.Digest(session.Token), verifier.Digest(s.keys.sign(session.Token)), session.ID, u.ID,
		session.IPAddress, session.UserAgent, session.ExpiresAt.UnixMilli(), now.UnixMilli())
	if err != nil {
		return Session{}, fmt.Errorf("open session: %w", err)
	}
	return session, nil
}

// find returns the live session of a token and its user, or
// errNoSession.
func (s *sessions) find(ctx context.Context, token string) (Session, User, error) {
	session, u, err := s.findByDigest(ctx, "digest", verifier.Digest(token))
	session.Token = token
	return session, u, err
}

// findByDigest is find by one of the columns of digests. The session that it
// returns has no token.
func (s *sessions) findByDigest(ctx context.Context, column, digest string) (Session, User, error) {
	session, u := Session{}, User{}
	var expires, opened, created, updated int64
	row := s.db.QueryRowContext(ctx, `SELECT s.id, s.user_id, s.ip_address, s.user_agent, s.expires_at, s.created_at, `+userColumns+`
		FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.`+column+` = $1 AND s.expires_at > $2`,
		digest, s.now().UnixMilli())
	err := row.Scan(append([]any{&session.ID, &session.UserID, &session.IPAddress, &session.UserAgent, &expires, &opened},
		u.scanTargets(&created, &updated)...)...)
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

// close ends the session of a token, if there is one.
func (s *sessions) close(ctx context.Context, token string) error {
	if _, err := s.db.ExecContext(ctx, `DELETE FROM sessions WHERE digest = $1`, verifier.Digest(token)); err != nil {
		return fmt.Errorf("close session: %w", err)
	}
	return nil
}

// sweepInterval is the period in which expired sessions are deleted; none is found once it
// has expired.
const sweepInterval = 10 * time.Minute

// sweep deletes expired sessions at once and then each sweepInterval, until ctx ends. A
// database that is away is reported by the health checks.
func (s *sessions) sweep(ctx context.Context) error {
	ticker := time.NewTicker(sweepInterval)
	defer ticker.Stop()
	for {
		if err := s.deleteExpired(ctx); err != nil && ctx.Err() == nil {
			s.log.Debug("expired sessions stay", "error", err)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
	}
}

func (s *sessions) deleteExpired(ctx context.Context) error {
	_, err := s.db.ExecContext(ctx, `DELETE FROM sessions WHERE expires_at <= $1`, s.now().UnixMilli())
	return err
}
