package services

import (
	"context"
	"sync"

	"axion/services/auth"
)

// DevelopmentUser is the user that the builtin auth service makes for development. It has
// no credentials until that service has been made, and none without it.
type DevelopmentUser struct {
	mu   sync.Mutex // guards auth while the services start
	auth *auth.Service
}

// setAuth sets the service that the user is signed in at.
func (u *DevelopmentUser) setAuth(a *auth.Service) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.auth = a
}

func (u *DevelopmentUser) service() *auth.Service {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.auth
}

// Token returns the bearer token of a session of the user: the same for as long as the
// session lives. Empty without the builtin auth service.
func (u *DevelopmentUser) Token(ctx context.Context) (string, error) {
	if a := u.service(); a != nil {
		return a.DevelopmentToken(ctx)
	}
	return "", nil
}

// JWT returns a bearer token of the user that the services verify by themselves,
// without a message. Empty without the builtin auth service.
func (u *DevelopmentUser) JWT(ctx context.Context) (string, error) {
	if a := u.service(); a != nil {
		return a.DevelopmentJWT(ctx)
	}
	return "", nil
}

// Credentials returns the user's e-mail address and password; both are empty without the
// builtin auth service.
func (u *DevelopmentUser) Credentials() (email, password string) {
	if a := u.service(); a != nil {
		return auth.DevelopmentEmail, a.DevelopmentPassword()
	}
	return "", ""
}
