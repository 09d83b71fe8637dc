package auth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"database/sql"
	"encoding/base32"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf8"
)

// The development user, who exists from the first start.
const (
	DevelopmentEmail = "dev@axion.localhost"
	DevelopmentName  = "Developer"
)

// PasswordFile is the file in a data directory with the development user's password, mode
// 0600.
const PasswordFile = "development-password"

// CheckPassword returns why a password cannot be the development user's, nil where it
// can: it has the length that is required of all.
func CheckPassword(password string) error {
	if n := utf8.RuneCountInString(password); n < minPassword || n > maxPassword || !utf8.ValidString(password) {
		return fmt.Errorf("a password has %d to %d characters", minPassword, maxPassword)
	}
	return nil
}

// developer is the development user, with a session of the stack's own.
type developer struct {
	password string
	users    *users
	sessions *sessions
	issuer   *issuer

	turn  chan struct{} // a lock of what follows, which ends with a context
	token string        // empty until the session is opened
	jwt   string
	until time.Time // when the next jwt is issued
}

// openPassword returns the development user's password: the given one, or else a random
// one of the database, which all instances on it have. It is written to the data directory
// dir for people and programs to read.
func openPassword(ctx context.Context, db *sql.DB, dir, password string) (string, error) {
	if password == "" {
		random, err := secret(ctx, db, "development-password")
		if err != nil {
			return "", err
		}
		password = strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(random[:20]))
	}
	return password, writePrivate(filepath.Join(dir, PasswordFile), password+"\n")
}

// writePrivate writes a file by renaming, with mode 0600 whatever the mode of one that was
// there.
func writePrivate(name, text string) error {
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*.tmp") // mode 0600
	if err != nil {
		return fmt.Errorf("write the development user's password: %w", err)
	}
	_, err = f.WriteString(text)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return fmt.Errorf("write the development user's password: %w", err)
	}
	return nil
}

// hasPassword compares in constant time. There is no hash: the password is in a file beside
// the database already.
func (d *developer) hasPassword(password string) bool {
	got, want := sha256.Sum256([]byte(password)), sha256.Sum256([]byte(d.password))
	return subtle.ConstantTimeCompare(got[:], want[:]) == 1
}

// DevelopmentPassword is the development user's password.
func (d *developer) DevelopmentPassword() string { return d.password }

// minLifetime is how long a session that DevelopmentToken returns is valid at least.
const minLifetime = time.Hour

// lock locks the session, and waits until ctx ends.
func (d *developer) lock(ctx context.Context) (unlock func(), err error) {
	select {
	case d.turn <- struct{}{}:
		return func() { <-d.turn }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// DevelopmentToken returns the token of a session of the development user, for use as a
// bearer token. It is one session for all callers; where it was ended, or ends soon,
// another one is opened.
func (d *developer) DevelopmentToken(ctx context.Context) (string, error) {
	unlock, err := d.lock(ctx)
	if err != nil {
		return "", fmt.Errorf("development token: %w", err)
	}
	defer unlock()
	if d.token != "" {
		session, _, err := d.sessions.find(ctx, d.token)
		switch {
		case err == nil && session.ExpiresAt.Sub(d.sessions.now()) > minLifetime:
			return d.token, nil
		case err != nil && !errors.Is(err, errNoSession):
			return "", fmt.Errorf("development token: %w", err)
		}
	}
	u, _, err := d.users.byEmail(ctx, DevelopmentEmail)
	if err != nil {
		return "", fmt.Errorf("development token: %w", err)
	}
	session, err := d.sessions.open(ctx, u, sessionLifetime, client{agent: "axion"})
	if err != nil {
		return "", fmt.Errorf("development token: %w", err)
	}
	d.token = session.Token
	return d.token, nil
}

// DevelopmentJWT returns a JWT of the development user, which is valid for ten
// minutes at least. Services verify it by themselves: it costs no message.
func (d *developer) DevelopmentJWT(ctx context.Context) (string, error) {
	unlock, err := d.lock(ctx)
	if err != nil {
		return "", fmt.Errorf("development JWT: %w", err)
	}
	defer unlock()
	if d.sessions.now().Before(d.until) {
		return d.jwt, nil
	}
	u, _, err := d.users.byEmail(ctx, DevelopmentEmail)
	if err != nil {
		return "", fmt.Errorf("development JWT: %w", err)
	}
	made, err := d.issuer.jwt(u)
	if err != nil {
		return "", fmt.Errorf("development JWT: %w", err)
	}
	d.jwt, d.until = made, d.sessions.now().Add(jwtLifetime/3)
	return made, nil
}
