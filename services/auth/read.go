package auth

import (
	"context"
	"errors"
)

// SessionAndUser is the response to get-session.
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

func (a *api) getSession(ctx context.Context, _ *struct{}) (*sessionOutput, error) {
	out := &sessionOutput{CacheControl: noStore}
	session, u, err := a.sessions.find(ctx, clientOf(ctx).token)
	if errors.Is(err, errNoSession) {
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	if out.JWT, err = a.issuer.jwt(u); err != nil {
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

func (a *api) getToken(ctx context.Context, _ *struct{}) (*tokenOutput, error) {
	_, u, err := a.sessions.find(ctx, clientOf(ctx).token)
	if errors.Is(err, errNoSession) {
		return nil, errUnauthorized
	}
	if err != nil {
		return nil, err
	}
	out := &tokenOutput{CacheControl: noStore}
	out.Body.Token, err = a.issuer.jwt(u)
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

func (a *api) getKeys(context.Context, *struct{}) (*keysOutput, error) {
	return &keysOutput{Body: a.keys.public}, nil
}

type okOutput struct {
	Body struct {
		OK bool `json:"ok"`
	}
}

func (a *api) getOK(context.Context, *struct{}) (*okOutput, error) {
	out := &okOutput{}
	out.Body.OK = true
	return out, nil
}
