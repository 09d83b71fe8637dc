// Package auth is the development identity provider: it has the HTTP API of
// Better Auth, signs people up and in, and answers the other services over the
// bus whose a session is. It is made for one machine; a real Better Auth
// server replaces it by its issuer and key addresses.
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
	// BaseURL is the issuer and audience of the JWTs, and the provider's address
	// for clients, such as "https://auth.localhost:8443".
	// Required.
	BaseURL string
	// Password is the development user's; empty means a random one, which is stored in
	// the database. See [CheckPassword].
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
	*developer
	api *api
}

// New opens the provider. On its first start it makes its signing key, its
// cookie secret and the development user, and stores them in its database.
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
	s := &Service{Host: h}
	if err := s.open(ctx, o.Dir, auth); err != nil {
		_ = h.Stop(ctx)
		return nil, fmt.Errorf("%s: %w", contract.Auth, err)
	}
	return s, nil
}

// open reads the keys and makes the parts of the provider, and what the first start
// lacks. It hashes no password: that takes longer than the rest of a start.
func (s *Service) open(ctx context.Context, dir string, o Options) error {
	now := func() time.Time { return o.Now().UTC().Truncate(time.Millisecond) } // the API's precision
	keys, err := openKeys(ctx, s.DB)
	if err != nil {
		return err
	}
	users := &users{db: s.DB, now: now}
	sessions := &sessions{db: s.DB, keys: keys, now: now, log: s.Log}
	issuer := &issuer{signer: keys.signer, url: o.BaseURL, now: now}
	password, err := openPassword(ctx, s.DB, dir, o.Password)
	if err != nil {
		return err
	}
	if err := users.createDeveloper(ctx); err != nil {
		return err
	}
	s.developer = &developer{password: password, users: users, sessions: sessions, issuer: issuer, turn: make(chan struct{}, 1)}
	s.api = &api{
		Host: s.Host, origins: o.Origins, allowRemote: o.AllowRemote, hashing: newHasher(), keys: keys,
		users: users, sessions: sessions, issuer: issuer, developer: s.developer,
	}
	s.api.register()
	(&requests{sessions: sessions, keys: keys}).register(s.Bus)
	s.Go("sessions", sessions.sweep)
	return nil
}
