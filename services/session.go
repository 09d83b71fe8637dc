package services

import (
	"context"
	"slices"

	"axion/services/auth"
	"axion/services/contract"
	"axion/services/host"
)

// authOptions are the builtin identity provider's, behind a gateway whose HTTPS
// listens on port.
func (s *Builtins) authOptions(port int) auth.Options {
	return auth.Options{
		BaseURL: contract.PublicURL(contract.AuthHost, port), Password: s.env.password, AllowRemote: s.allowRemote,
		Origins: append(ownOrigins(port), s.env.origins...),
	}
}

// authKind is what the services know of auth-service.
func (s *Builtins) authKind() host.AuthKind {
	switch {
	case s.AuthURL() != "":
		return host.AuthBuiltin
	case slices.Contains(s.without, contract.Auth):
		return host.AuthReplaced
	}
	return host.AuthUnknown
}

// Token gives a bearer token of the development user, that of a session which
// lives: the same for as long as it does. Empty without the builtin auth service.
func (s *Builtins) Token(ctx context.Context) (string, error) {
	if s.auth == nil {
		return "", nil
	}
	return s.auth.DevelopmentToken(ctx)
}

// JWT gives a bearer token of the development user that the services verify by
// themselves, without a message. Empty without the builtin auth service.
func (s *Builtins) JWT(ctx context.Context) (string, error) {
	if s.auth == nil {
		return "", nil
	}
	return s.auth.DevelopmentJWT(ctx)
}

// User is who the development user is, and the password; both are empty without the
// builtin auth service.
func (s *Builtins) User() (email, password string) {
	if s.auth == nil {
		return "", ""
	}
	return auth.DevelopmentEmail, s.auth.DevelopmentPassword()
}

// AuthURL is the builtin identity provider's direct address; empty without it.
func (s *Builtins) AuthURL() string {
	for _, m := range s.instances {
		if m.Name == contract.Auth {
			return "http://" + m.listener.Addr().String()
		}
	}
	return ""
}
