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

// basePath is the path of Better Auth's API.
const basePath = "/api/auth"

// api answers HTTP.
type api struct {
	*host.Host
	origins     []string
	allowRemote bool // see [Options]
	hashing     *hasher
	keys        *keys
	users       *users
	sessions    *sessions
	issuer      *issuer
	developer   *developer
}

// register registers the operations.
func (a *api) register() {
	handle(a, http.MethodPost, "/sign-up/email", "Create a user and sign in.", a.signUp, http.StatusBadRequest, http.StatusForbidden,
		http.StatusUnprocessableEntity)
	handle(a, http.MethodPost, "/sign-in/email", "Sign in with a password.", a.signIn, http.StatusBadRequest, http.StatusUnauthorized,
		http.StatusForbidden)
	handle(a, http.MethodPost, "/sign-out", "End the session.", a.signOut, http.StatusForbidden)
	handle(a, http.MethodGet, "/get-session", "Who is signed in? null where nobody is.", a.getSession)
	handle(a, http.MethodGet, "/token", "Get a JWT for the session.", a.getToken, http.StatusUnauthorized)
	handle(a, http.MethodGet, "/jwks", "The public keys of the JWTs.", a.getKeys)
	handle(a, http.MethodGet, "/ok", "Does the provider answer?", a.getOK)
	a.Mux.HandleFunc(basePath+"/", a.notFound)
}

// handle adds one operation whose errors, listed by status, have the API's
// own shape.
func handle[O any](a *api, method, path, summary string, handler func(context.Context, *struct{}) (*O, error), statuses ...int) {
	id := strings.ReplaceAll(strings.TrimPrefix(path, "/"), "/", "-")
	op := huma.Operation{
		OperationID: id, Method: method, Path: basePath + path, Summary: summary,
		Middlewares: huma.Middlewares{a.currentSession}, Responses: map[string]*huma.Response{},
	}
	describeErrors(a.API, &op, statuses)
	host.Handle(a.Host, op, func(ctx context.Context, in *struct{}) (*O, error) {
		out, err := handler(ctx, in)
		var known *apiError
		if err == nil || errors.As(err, &known) {
			return out, err
		}
		if errors.Is(ctx.Err(), context.Canceled) {
			return nil, errLeft
		}
		a.Log.ErrorContext(ctx, "request failed", "operation", id, "error", err)
		return nil, errInternal
	})
	if strings.HasSuffix(path, "/email") {
		// Described afterwards: huma would read and check a body that is described,
		// and answer errors in another shape.
		a.API.OpenAPI().Paths[op.Path].Post.RequestBody = credentialsBody(a.API)
	}
}

// notFound answers requests that no operation is for, in the API's shape: 405 where the
// path has another method, 404 elsewhere.
func (a *api) notFound(w http.ResponseWriter, r *http.Request) {
	answer := errNotFound
	if item := a.API.OpenAPI().Paths[r.URL.Path]; item != nil {
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
