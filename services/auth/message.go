package auth

import (
	"context"
	"errors"
	"time"

	"axion/services/auth/verifier"
	"axion/services/bus"
	"axion/services/contract"
)

// requests answers the requests of other services.
type requests struct {
	sessions *sessions
	keys     *keys
}

// register registers the handlers.
func (r *requests) register(b *bus.Bus) {
	b.Handle(contract.ValidateSession, r.validateSession)
	b.Handle(contract.ValidateSessionDigest, r.validateDigest)
	b.Handle(contract.GetKeys, r.getKeys)
}

// validateSession answers VALIDATE_SESSION. The token is the opaque one or the
// signed form of the cookie, as clients send either as a bearer token.
func (r *requests) validateSession(ctx context.Context, m *bus.Message) (any, error) {
	var in contract.ValidateSessionRequest
	if err := m.Decode(&in); err != nil {
		return nil, err
	}
	token, ok := r.keys.openBearer(in.Token)
	if !ok {
		return nil, bus.Permanent(errNoSession)
	}
	session, u, err := r.sessions.find(ctx, token)
	return owner(session, u, err)
}

// validateDigest answers VALIDATE_SESSION_DIGEST, which does not have the token. The digest
// may be that of the token or of its signed form.
func (r *requests) validateDigest(ctx context.Context, m *bus.Message) (any, error) {
	var in contract.ValidateSessionDigestRequest
	if err := m.Decode(&in); err != nil {
		return nil, err
	}
	if len(in.Digest) != verifier.DigestLen { // an old session has no signed_digest
		return nil, bus.Permanent(errNoSession)
	}
	session, u, err := r.sessions.findByDigest(ctx, "digest", in.Digest)
	if errors.Is(err, errNoSession) {
		session, u, err = r.sessions.findByDigest(ctx, "signed_digest", in.Digest)
	}
	return owner(session, u, err)
}

// owner returns the reply about the session that a query has found.
func owner(session Session, u User, err error) (any, error) {
	if errors.Is(err, errNoSession) {
		return nil, bus.Permanent(err)
	}
	if err != nil {
		return nil, err
	}
	return contract.Session{UserID: u.ID, Email: u.Email, ExpiresAt: session.ExpiresAt.Format(time.RFC3339Nano)}, nil
}

// getKeys answers GET_KEYS with the public keys.
func (r *requests) getKeys(context.Context, *bus.Message) (any, error) {
	return r.keys.public, nil
}
