package auth

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"axion/services/host"
)

// basePath is where Better Auth's clients look for it.
const basePath = "/api/auth"

func (s *Service) routes() {
	register(s, http.MethodPost, "/sign-up/email", "Create a user and sign in.", s.signUp, http.StatusBadRequest, http.StatusForbidden,
		http.StatusUnprocessableEntity)
	register(s, http.MethodPost, "/sign-in/email", "Sign in with a password.", s.signIn, http.StatusBadRequest, http.StatusUnauthorized,
		http.StatusForbidden)
	register(s, http.MethodPost, "/sign-out", "End the session.", s.signOut, http.StatusForbidden)
	register(s, http.MethodGet, "/get-session", "Who is signed in? null where nobody is.", s.getSession)
	register(s, http.MethodGet, "/token", "Get a JWT for the session.", s.getToken, http.StatusUnauthorized)
	register(s, http.MethodGet, "/jwks", "The public keys of the JWTs.", s.getKeys)
	register(s, http.MethodGet, "/ok", "Does the provider answer?", s.getOK)
	s.Mux.HandleFunc(basePath+"/", s.other)
}

// register adds one operation whose errors, listed by status, have the API's
// own shape.
func register[O any](s *Service, method, path, summary string, handle func(context.Context, *struct{}) (*O, error), statuses ...int) {
	id := strings.ReplaceAll(strings.TrimPrefix(path, "/"), "/", "-")
	op := huma.Operation{
		OperationID: id, Method: method, Path: basePath + path, Summary: summary,
		Middlewares: huma.Middlewares{s.identify}, Responses: map[string]*huma.Response{},
	}
	describeErrors(s.API, &op, statuses)
	host.Handle(s.Host, op, func(ctx context.Context, in *struct{}) (*O, error) {
		out, err := handle(ctx, in)
		var known *apiError
		if err == nil || errors.As(err, &known) {
			return out, err
		}
		if errors.Is(ctx.Err(), context.Canceled) {
			return nil, errLeft
		}
		s.Log.ErrorContext(ctx, "request failed", "operation", id, "error", err)
		return nil, errInternal
	})
	if strings.HasSuffix(path, "/email") {
		// Described afterwards: huma would read and check a body that it knows
		// of, and answer errors in another shape.
		s.API.OpenAPI().Paths[op.Path].Post.RequestBody = credentialsBody(s.API)
	}
}

// other answers what no operation takes, in the API's shape: 405 where the path
// has another method, 404 elsewhere.
func (s *Service) other(w http.ResponseWriter, r *http.Request) {
	answer := errNotFound
	if item := s.API.OpenAPI().Paths[r.URL.Path]; item != nil {
		answer = errMethod
		allow := []string{http.MethodPost}
		if item.Get != nil {
			allow = []string{http.MethodGet, http.MethodHead}
		}
		w.Header().Set("Allow", strings.Join(slices.Sorted(slices.Values(allow)), ", "))
	}
	w.Header().Set("Content-Type", jsonType)
	w.WriteHeader(answer.status)
	_ = json.NewEncoder(w).Encode(answer) // the client may be gone
}
