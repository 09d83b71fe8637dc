package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"axion/services/store"
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

// openSession signs u in for d, and deletes the sessions that have expired.
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
	err := store.Tx(ctx, s.DB, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM sessions WHERE expires_at <= $1`, now.UnixMilli()); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO sessions (digest, id, user_id, ip_address, user_agent, expires_at, created_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7)`, tokenDigest(session.Token), session.ID, u.ID, session.IPAddress,
			session.UserAgent, session.ExpiresAt.UnixMilli(), now.UnixMilli())
		return err
	})
	if err != nil {
		return Session{}, fmt.Errorf("open session: %w", err)
	}
	return session, nil
}

// findSession returns the live session of a token and its user, or
// errNoSession.
func (s *Service) findSession(ctx context.Context, token string) (Session, User, error) {
	session, u := Session{Token: token}, User{}
	var expires, opened, created, updated int64
	row := s.DB.QueryRowContext(ctx, `SELECT s.id, s.user_id, s.ip_address, s.user_agent, s.expires_at, s.created_at, `+userColumns+`
		FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.digest = $1 AND s.expires_at > $2`,
		tokenDigest(token), s.now().UnixMilli())
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
	if _, err := s.DB.ExecContext(ctx, `DELETE FROM sessions WHERE digest = $1`, tokenDigest(token)); err != nil {
		return fmt.Errorf("close session: %w", err)
	}
	return nil
}

func tokenDigest(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}
