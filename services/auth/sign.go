package auth

import (
	"context"
	"database/sql"
	"errors"
	"time"
	"unicode/utf8"
)

// SignedIn is the answer to sign-up and sign-in.
type SignedIn struct {
	Redirect bool   `json:"redirect"`
	Token    string `json:"token" doc:"The session token, also set as a cookie."`
	URL      string `json:"url,omitempty" doc:"The callbackURL."`
	User     User   `json:"user"`
}

type signedInOutput struct {
	Cookie       string `header:"Set-Cookie"`
	Token        string `header:"Set-Auth-Token"`
	Expose       string `header:"Access-Control-Expose-Headers"`
	Location     string `header:"Location"`
	CacheControl string `header:"Cache-Control"`
	Body         SignedIn
}

// SignedUp is the answer to sign-up.
type SignedUp struct {
	Token string `json:"token" doc:"The session token, also set as a cookie."`
	User  User   `json:"user"`
}

type signedUpOutput struct {
	Cookie       string `header:"Set-Cookie"`
	Token        string `header:"Set-Auth-Token"`
	Expose       string `header:"Access-Control-Expose-Headers"`
	CacheControl string `header:"Cache-Control"`
	Body         SignedUp
}

const (
	exposeToken = "set-auth-token"
	exposeJWT   = "set-auth-jwt"
	noStore     = "no-store"
)

func (s *Service) signUp(ctx context.Context, _ *struct{}) (*signedUpOutput, error) {
	c := clientOf(ctx)
	if !c.here && !s.opts.AllowRemote {
		return nil, errRemote
	}
	in, err := c.credentials()
	if err != nil {
		return nil, err
	}
	switch {
	case in.Name == nil:
		return nil, invalid("[body.name] Invalid input: expected string, received undefined")
	case utf8.RuneCountInString(in.Password) < minPassword:
		return nil, errPasswordShort
	}
	hash, err := s.hashing.hash(ctx, in.Password)
	if err != nil {
		return nil, err
	}
	u := s.newUser(in.Email, *in.Name, in.Image)
	if err := s.createUser(ctx, u, hash); err != nil {
		return nil, err
	}
	session, signed, err := s.signInAs(ctx, u, in, c)
	if err != nil {
		return nil, err
	}
	return &signedUpOutput{
		Cookie: signed.cookie, Token: signed.token, Expose: exposeToken, CacheControl: noStore,
		Body: SignedUp{Token: session.Token, User: u},
	}, nil
}

func (s *Service) signIn(ctx context.Context, _ *struct{}) (*signedInOutput, error) {
	c := clientOf(ctx)
	if !c.here && !s.opts.AllowRemote {
		return nil, errRemote
	}
	in, err := c.credentials()
	if err != nil {
		return nil, err
	}
	u, err := s.authenticate(ctx, in.Email, in.Password)
	if err != nil {
		return nil, err
	}
	session, signed, err := s.signInAs(ctx, u, in, c)
	if err != nil {
		return nil, err
	}
	return &signedInOutput{
		Cookie: signed.cookie, Token: signed.token, Expose: exposeToken, CacheControl: noStore, Location: in.CallbackURL,
		Body: SignedIn{Redirect: in.CallbackURL != "", Token: session.Token, URL: in.CallbackURL, User: u},
	}, nil
}

// authenticate returns the user whose password it is. An unknown user costs the
// same time as a wrong password.
func (s *Service) authenticate(ctx context.Context, email, password string) (User, error) {
	u, hash, err := s.userByEmail(ctx, email)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		hash = noHash
	case err != nil:
		return User{}, err
	case hash == "" && s.isDevelopmentPassword(password):
		return u, nil
	case hash == "":
		return User{}, errCredentials
	}
	ok, err := s.hashing.matches(ctx, hash, password)
	if err != nil {
		return User{}, err
	}
	if !ok || u.ID == "" {
		return User{}, errCredentials
	}
	return u, nil
}

// signed is a session token in the forms that the headers carry.
type signed struct{ cookie, token string }

func (s *Service) signInAs(ctx context.Context, u User, in Credentials, c client) (Session, signed, error) {
	lasts, age := sessionTime, sessionTime
	if in.RememberMe != nil && !*in.RememberMe {
		lasts, age = shortTime, 0
	}
	session, err := s.openSession(ctx, u, lasts, c)
	if err != nil {
		return Session{}, signed{}, err
	}
	value := s.keys.sign(session.Token)
	return session, signed{cookie: cookie(value, age, c.secure), token: value}, nil
}

type signOutOutput struct {
	Cookie string `header:"Set-Cookie"`
	Body   struct {
		Success bool `json:"success"`
	}
}

// signOut ends the session, if there is one, and always deletes the cookie.
func (s *Service) signOut(ctx context.Context, _ *struct{}) (*signOutOutput, error) {
	c := clientOf(ctx)
	if c.token != "" {
		if err := s.closeSession(ctx, c.token); err != nil {
			return nil, err
		}
	}
	out := &signOutOutput{Cookie: cookie("", -time.Second, c.secure)}
	out.Body.Success = true
	return out, nil
}
