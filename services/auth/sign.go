package auth

import (
	"context"
	"database/sql"
	"errors"
	"time"
	"unicode/utf8"
)

// SignedIn is the response to sign-in.
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

// SignedUp is the response to sign-up.
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

func (a *api) signUp(ctx context.Context, _ *struct{}) (*signedUpOutput, error) {
	c := clientOf(ctx)
	if !c.here && !a.allowRemote {
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
	hash, err := a.hashing.hash(ctx, in.Password)
	if err != nil {
		return nil, err
	}
	u := a.users.newUser(in.Email, *in.Name, in.Image)
	if err := a.users.create(ctx, u, hash); err != nil {
		return nil, err
	}
	session, signed, err := a.signInAs(ctx, u, in, c)
	if err != nil {
		return nil, err
	}
	return &signedUpOutput{
		Cookie: signed.cookie, Token: signed.token, Expose: exposeToken, CacheControl: noStore,
		Body: SignedUp{Token: session.Token, User: u},
	}, nil
}

func (a *api) signIn(ctx context.Context, _ *struct{}) (*signedInOutput, error) {
	c := clientOf(ctx)
	if !c.here && !a.allowRemote {
		return nil, errRemote
	}
	in, err := c.credentials()
	if err != nil {
		return nil, err
	}
	u, err := a.authenticate(ctx, in.Email, in.Password)
	if err != nil {
		return nil, err
	}
	session, signed, err := a.signInAs(ctx, u, in, c)
	if err != nil {
		return nil, err
	}
	return &signedInOutput{
		Cookie: signed.cookie, Token: signed.token, Expose: exposeToken, CacheControl: noStore, Location: in.CallbackURL,
		Body: SignedIn{Redirect: in.CallbackURL != "", Token: session.Token, URL: in.CallbackURL, User: u},
	}, nil
}

// authenticate returns the user with an email and a password. An unknown user costs the
// same time as a wrong password.
func (a *api) authenticate(ctx context.Context, email, password string) (User, error) {
	u, hash, err := a.users.byEmail(ctx, email)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		hash = dummyHash
	case err != nil:
		return User{}, err
	case hash == "" && a.developer.hasPassword(password):
		return u, nil
	case hash == "":
		return User{}, errCredentials
	}
	ok, err := a.hashing.matches(ctx, hash, password)
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

// signInAs opens a session of u.
func (a *api) signInAs(ctx context.Context, u User, in Credentials, c client) (Session, signed, error) {
	lasts, age := sessionLifetime, sessionLifetime
	if in.RememberMe != nil && !*in.RememberMe {
		lasts, age = shortLifetime, 0
	}
	session, err := a.sessions.open(ctx, u, lasts, c)
	if err != nil {
		return Session{}, signed{}, err
	}
	value := a.keys.sign(session.Token)
	return session, signed{cookie: cookie(value, age, c.secure), token: value}, nil
}

type signOutOutput struct {
	Cookie string `header:"Set-Cookie"`
	Body   struct {
		Success bool `json:"success"`
	}
}

// signOut ends the session, if there is one, and always deletes the cookie.
func (a *api) signOut(ctx context.Context, _ *struct{}) (*signOutOutput, error) {
	c := clientOf(ctx)
	if c.token != "" {
		if err := a.sessions.close(ctx, c.token); err != nil {
			return nil, err
		}
	}
	out := &signOutOutput{Cookie: cookie("", -time.Second, c.secure)}
	out.Body.Success = true
	return out, nil
}
