package auth

import (
	"context"
	"database/sql"
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

// users stores users.
type users struct {
	db  *sql.DB
	now func() time.Time
}

const userColumns = `u.id, u.email, u.email_verified, u.name, u.image, u.created_at, u.updated_at`

// scanTargets are where userColumns are scanned to; the times need [User.setTimes].
func (u *User) scanTargets(created, updated *int64) []any {
	return []any{&u.ID, &u.Email, &u.EmailVerified, &u.Name, &u.Image, created, updated}
}

// setTimes sets the times from their columns.
func (u *User) setTimes(created, updated int64) {
	u.CreatedAt, u.UpdatedAt = time.UnixMilli(created).UTC(), time.UnixMilli(updated).UTC()
}

// newUser returns a user who is not stored yet.
func (u *users) newUser(email, name string, image *string) User {
	now := u.now()
	return User{ID: uuid.Must(uuid.NewV7()).String(), Email: email, Name: name, Image: image, CreatedAt: now, UpdatedAt: now}
}

const insertUser = `INSERT INTO users (id, email, email_verified, name, image, password, created_at, updated_at)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`

// values are the parameters of insertUser.
func (u *User) values(hash string) []any {
	return []any{u.ID, u.Email, u.EmailVerified, u.Name, u.Image, hash, u.CreatedAt.UnixMilli(), u.UpdatedAt.UnixMilli()}
}

// create stores a user, or fails with errUserExists.
func (u *users) create(ctx context.Context, user User, hash string) error {
	_, err := u.db.ExecContext(ctx, insertUser, user.values(hash)...)
	if store.IsDuplicate(err) {
		return errUserExists
	}
	if err != nil {
		return fmt.Errorf("create user: %w", err)
	}
	return nil
}

// createDeveloper stores the development user where it is missing.
func (u *users) createDeveloper(ctx context.Context) error {
	user := u.newUser(DevelopmentEmail, DevelopmentName, nil)
	user.EmailVerified = true
	_, err := u.db.ExecContext(ctx, insertUser+` ON CONFLICT DO NOTHING`, user.values("")...)
	if err != nil {
		return fmt.Errorf("create development user: %w", err)
	}
	return nil
}

// byEmail returns the user and the password's hash, which is empty for the
// development user; sql.ErrNoRows where there is none. email is normalised already.
func (u *users) byEmail(ctx context.Context, email string) (user User, hash string, err error) {
	var created, updated int64
	err = u.db.QueryRowContext(ctx, `SELECT `+userColumns+`, u.password FROM users u WHERE u.email = $1`, email).
		Scan(append(user.scanTargets(&created, &updated), &hash)...)
	if err != nil {
		return User{}, "", fmt.Errorf("find user: %w", err)
	}
	user.setTimes(created, updated)
	return user, hash, nil
}
