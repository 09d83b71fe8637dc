package auth

import (
	"context"
	"errors"
)

// SessionAndUser is the answer to get-session.
type SessionAndUser struct {
	Session Session `json:"session"`
	User    User    `json:"user"`
}

type sessionOutput struct {
	CacheControl string          `header:"Cache-Control"`
	JWT          string          `header:"Set-Auth-Jwt"`
	Expose       string          `header:"Access-Control-Expose-Headers"`
	Body         *SessionAndUser `doc:"null where nobody is signed in."`
}

func (s *Service) getSession(ctx context.Context, _ *struct{}) (*sessionOutput, error) {
	out := &sessionOutput{CacheControl: noStore}
	session, u, err := s.findSession(ctx, clientOf(ctx).token)
	if errors.Is(err, errNoSession) {
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	if out.JWT, err = s.jwt(u); err != nil {
		return nil, err
	}
	out.Expose, out.Body = exposeJWT, &SessionAndUser{Session: session, User: u}
	return out, nil
}

type tokenOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         struct {
		Token string `json:"token" doc:"A JWT."`
	}
}

func (s *Service) getToken(ctx context.Context, _ *struct{}) (*tokenOutput, error) {
	_, u, err := s.findSession(ctx, clientOf(ctx).token)
	if errors.Is(err, errNoSession) {
		return nil, errUnauthorized
	}
	if err != nil {
		return nil, err
	}
	out := &tokenOutput{CacheControl: noStore}
	out.Body.Token, err = s.jwt(u)
	return out, err
}

// Keys is the public half of the provider's keys: a JSON Web Key Set (RFC 7517)
// of Ed25519 keys (RFC 8037).
type Keys struct {
	Keys []Key `json:"keys"`
}

// Key is one public key.
type Key struct {
	Algorithm string `json:"alg" enum:"EdDSA"`
	Curve     string `json:"crv" enum:"Ed25519"`
	Type      string `json:"kty" enum:"OKP"`
	X         string `json:"x"`
	ID        string `json:"kid"`
}

type keysOutput struct {
	Body Keys
}

func (s *Service) getKeys(context.Context, *struct{}) (*keysOutput, error) {
	return &keysOutput{Body: s.keys.public}, nil
}

type okOutput struct {
	Body struct {
		OK bool `json:"ok"`
	}
}

func (s *Service) getOK(context.Context, *struct{}) (*okOutput, error) {
	out := &okOutput{}
	out.Body.OK = true
	return out, nil
}
