// Package auth is the development identity provider: it speaks the HTTP API of
// Better Auth, signs people up and in, and tells the other services over the
// bus whom a session belongs to. It is made for one machine; a real Better Auth
// server takes its place by its issuer and key addresses.
package auth

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"time"

	"axion/services/contract"
	"axion/services/host"
)

//go:embed migrations
var migrations embed.FS

// Options configures a [Service].
type Options struct {
	// BaseURL is the issuer and audience of the JWTs, and the address that
	// clients know the provider by, such as "https://auth.localhost:8443".
	// Required.
	BaseURL string
	// Password is the development user's; empty means a random one, which the
	// database keeps. See [CheckPassword].
	Password string
	// AllowRemote lets clients of other machines sign in and up.
	AllowRemote bool
	// Origins are those whose pages may change something, beside the provider's
	// own: "https://graph.localhost:8443".
	Origins []string
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Service is the running provider. Start and stop it as the [host.Host] that it
// is. It is safe for concurrent use.
type Service struct {
	*host.Host
	opts     Options
	keys     *keys
	hashing  hasher
	password string // the development user's
	own      ownSession
}

// New opens the provider. On its first start it makes its signing key, its
// cookie secret and the development user, and keeps them in its database.
func New(ctx context.Context, o host.Options, auth Options) (*Service, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	if auth.Now == nil {
		auth.Now = time.Now
	}
	h, err := host.New(ctx, contract.Auth, files, o)
	if err != nil {
		return nil, err
	}
	s := &Service{Host: h, opts: auth, hashing: newHasher(), own: ownSession{turn: make(chan struct{}, 1)}}
	if err := s.prepare(ctx, o.Dir); err != nil {
		_ = h.Stop(ctx)
		return nil, fmt.Errorf("%s: %w", contract.Auth, err)
	}
	s.routes()
	h.Bus.Handle(contract.ValidateSession, s.answerSession)
	h.Bus.Handle(contract.ValidateSessionDigest, s.answerDigest)
	h.Bus.Handle(contract.GetKeys, s.answerKeys)
	h.Go("sessions", s.sweepSessions)
	return s, nil
}

// prepare makes what the first start lacks. It hashes no password: that takes
// longer than everything else in a start.
func (s *Service) prepare(ctx context.Context, dir string) error {
	var err error
	if s.keys, err = openKeys(ctx, s.DB); err != nil {
		return err
	}
	if err := s.openPassword(ctx, dir); err != nil {
		return err
	}
	return s.createDevelopmentUser(ctx)
}

// now is the clock in the API's precision.
func (s *Service) now() time.Time { return s.opts.Now().UTC().Truncate(time.Millisecond) }
