package auth

import (
	"context"
	"errors"
	"time"

	"axion/services/auth/verifier"
	"axion/services/bus"
	"axion/services/contract"
)

// answerSession answers VALIDATE_SESSION. The token is the opaque one or the
// signed form of the cookie, as clients send either as a bearer token.
func (s *Service) answerSession(ctx context.Context, m *bus.Message) (any, error) {
	var in contract.ValidateSessionRequest
	if err := m.Decode(&in); err != nil {
		return nil, err
	}
	token, ok := s.keys.openBearer(in.Token)
	if !ok {
		return nil, bus.Permanent(errNoSession)
	}
	session, u, err := s.findSession(ctx, token)
	return owner(session, u, err)
}

// answerDigest answers VALIDATE_SESSION_DIGEST, for which the token stays with who
// asks. Whether it is that of the token or of its signed form is for us to find.
func (s *Service) answerDigest(ctx context.Context, m *bus.Message) (any, error) {
	var in contract.ValidateSessionDigestRequest
	if err := m.Decode(&in); err != nil {
		return nil, err
	}
	if len(in.Digest) != verifier.DigestLen { // an old session has no signed_digest
		return nil, bus.Permanent(errNoSession)
	}
	session, u, err := s.findDigest(ctx, "digest", in.Digest)
	if errors.Is(err, errNoSession) {
		session, u, err = s.findDigest(ctx, "signed_digest", in.Digest)
	}
	return owner(session, u, err)
}

// owner is the answer about a session that was looked for.
func owner(session Session, u User, err error) (any, error) {
	if errors.Is(err, errNoSession) {
		return nil, bus.Permanent(err)
	}
	if err != nil {
		return nil, err
	}
	return contract.Session{UserID: u.ID, Email: u.Email, ExpiresAt: session.ExpiresAt.Format(time.RFC3339Nano)}, nil
}

// answerKeys answers GET_KEYS with the public keys.
func (s *Service) answerKeys(context.Context, *bus.Message) (any, error) {
	return s.keys.public, nil
}
