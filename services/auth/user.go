package auth

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"axion/services/store"
)

// User is a user as the API and the JWTs show it.
type User struct {
	ID            string    `json:"id"`
	Email         string    `json:"email"`
	EmailVerified bool      `json:"emailVerified"`
	Name          string    `json:"name"`
	Image         *string   `json:"image"`
	CreatedAt     time.Time `json:"createdAt"`
	UpdatedAt     time.Time `json:"updatedAt"`
}

const userColumns = `u.id, u.email, u.email_verified, u.name, u.image, u.created_at, u.updated_at`

// fields are where userColumns are scanned to; the times need [User.setTimes].
func (u *User) fields(created, updated *int64) []any {
	return []any{&u.ID, &u.Email, &u.EmailVerified, &u.Name, &u.Image, created, updated}
}

func (u *User) setTimes(created, updated int64) {
	u.CreatedAt, u.UpdatedAt = time.UnixMilli(created).UTC(), time.UnixMilli(updated).UTC()
}

// newUser is a user who is not stored yet.
func (s *Service) newUser(email, name string, image *string) User {
	now := s.now()
	return User{ID: uuid.Must(uuid.NewV7()).String(), Email: email, Name: name, Image: image, CreatedAt: now, UpdatedAt: now}
}

const insertUser = `INSERT INTO users (id, email, email_verified, name, image, password, created_at, updated_at)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`

func (u *User) row(hash string) []any {
	return []any{u.ID, u.Email, u.EmailVerified, u.Name, u.Image, hash, u.CreatedAt.UnixMilli(), u.UpdatedAt.UnixMilli()}
}

// createUser stores u, or answers that its email is taken.
func (s *Service) createUser(ctx context.Context, u User, hash string) error {
	_, err := s.DB.ExecContext(ctx, insertUser, u.row(hash)...)
	if store.IsDuplicate(err) {
		return errUserExists
	}
	if err != nil {
		return fmt.Errorf("create user: %w", err)
	}
	return nil
}

// userByEmail returns the user and the password's hash, which is empty for the
// development user; sql.ErrNoRows where there is none. email is normalised already.
func (s *Service) userByEmail(ctx context.Context, email string) (u User, hash string, err error) {
	var created, updated int64
	err = s.DB.QueryRowContext(ctx, `SELECT `+userColumns+`, u.password FROM users u WHERE u.email = $1`, email).
		Scan(append(u.fields(&created, &updated), &hash)...)
	if err != nil {
		return User{}, "", fmt.Errorf("find user: %w", err)
	}
	u.setTimes(created, updated)
	return u, hash, nil
}
