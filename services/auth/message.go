package auth

import (
	"context"
	"errors"
	"time"

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
