package auth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
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

// PasswordFile is where a data directory has the development user's password, mode
// 0600.
const PasswordFile = "development-password"

// CheckPassword says why a password cannot be the development user's, nil where it
// can: it is as long as others' have to be.
func CheckPassword(password string) error {
	if n := utf8.RuneCountInString(password); n < minPassword || n > maxPassword || !utf8.ValidString(password) {
		return fmt.Errorf("a password has %d to %d characters", minPassword, maxPassword)
	}
	return nil
}

// openPassword finds the development user's password: the given one, or else one
// of the database's own, which all who share it come to alike. It is left in the
// data directory dir for people and programs to find.
func (s *Service) openPassword(ctx context.Context, dir string) error {
	s.password = s.opts.Password
	if s.password == "" {
		random, err := secret(ctx, s.DB, "development-password")
		if err != nil {
			return err
		}
		s.password = strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(random[:20]))
	}
	return writePrivate(filepath.Join(dir, PasswordFile), s.password+"\n")
}

// writePrivate puts a file in place whole, readable by its owner only whatever
// the mode of one that was there.
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

// isDevelopmentPassword compares in a time that tells nothing. There is no hash:
// the password lies beside the database already.
func (s *Service) isDevelopmentPassword(password string) bool {
	got, want := sha256.Sum256([]byte(password)), sha256.Sum256([]byte(s.password))
	return subtle.ConstantTimeCompare(got[:], want[:]) == 1
}

// createDevelopmentUser stores the development user where it is missing.
func (s *Service) createDevelopmentUser(ctx context.Context) error {
	u := s.newUser(DevelopmentEmail, DevelopmentName, nil)
	u.EmailVerified = true
	_, err := s.DB.ExecContext(ctx, insertUser+` ON CONFLICT DO NOTHING`, u.row("")...)
	if err != nil {
		return fmt.Errorf("create development user: %w", err)
	}
	return nil
}

// DevelopmentPassword is what the development user signs in with.
func (s *Service) DevelopmentPassword() string { return s.password }

// renewTime is how long a session has to last yet, to be given to anybody.
const renewTime = time.Hour

// ownSession is the development user's session of the stack's own.
type ownSession struct {
	turn  chan struct{} // holds one while somebody looks at the rest
	token string        // empty until it is opened
	jwt   string
	until time.Time // when another jwt is made
}

// lock waits for its turn, and for no longer than ctx.
func (o *ownSession) lock(ctx context.Context) (unlock func(), err error) {
	select {
	case o.turn <- struct{}{}:
		return func() { <-o.turn }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// DevelopmentToken returns the token of a session of the development user, for
// [host.Host]s that are asked with it as a bearer token. It is one session for all
// who ask; where it was ended, or ends soon, another one is opened.
func (s *Service) DevelopmentToken(ctx context.Context) (string, error) {
	unlock, err := s.own.lock(ctx)
	if err != nil {
		return "", fmt.Errorf("development token: %w", err)
	}
	defer unlock()
	if s.own.token != "" {
		session, _, err := s.findSession(ctx, s.own.token)
		switch {
		case err == nil && session.ExpiresAt.Sub(s.now()) > renewTime:
			return s.own.token, nil
		case err != nil && !errors.Is(err, errNoSession):
			return "", fmt.Errorf("development token: %w", err)
		}
	}
	u, _, err := s.userByEmail(ctx, DevelopmentEmail)
	if err != nil {
		return "", fmt.Errorf("development token: %w", err)
	}
	session, err := s.openSession(ctx, u, sessionTime, client{agent: "axion"})
	if err != nil {
		return "", fmt.Errorf("development token: %w", err)
	}
	s.own.token = session.Token
	return s.own.token, nil
}

// DevelopmentJWT returns a JWT of the development user, which is valid for ten
// minutes at least. Services verify it by themselves: it costs no message.
func (s *Service) DevelopmentJWT(ctx context.Context) (string, error) {
	unlock, err := s.own.lock(ctx)
	if err != nil {
		return "", fmt.Errorf("development JWT: %w", err)
	}
	defer unlock()
	if s.now().Before(s.own.until) {
		return s.own.jwt, nil
	}
	u, _, err := s.userByEmail(ctx, DevelopmentEmail)
	if err != nil {
		return "", fmt.Errorf("development JWT: %w", err)
	}
	made, err := s.jwt(u)
	if err != nil {
		return "", fmt.Errorf("development JWT: %w", err)
	}
	s.own.jwt, s.own.until = made, s.now().Add(jwtTime/3)
	return made, nil
}
