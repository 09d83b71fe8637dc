package host

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"axion/services/auth/verifier"
)

// MaxBody bounds a JSON request body in bytes, unless an operation says
// otherwise.
const MaxBody = 64 << 10

// Handle registers one operation. An error that handler returns is answered as
// it is when it carries a status; any other is logged, and answered with a bare
// 500, or with 503 where the database cannot be used.
func Handle[I, O any](h *Host, op huma.Operation, handler func(context.Context, *I) (*O, error)) {
	if op.MaxBodyBytes == 0 {
		op.MaxBodyBytes = MaxBody
	}
	huma.Register(h.API, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := handler(ctx, in)
		var status huma.StatusError
		if err == nil || errors.As(err, &status) {
			return out, err
		}
		if errors.Is(ctx.Err(), context.Canceled) { // the client has gone, or has closed its side
			return nil, newProblem(StatusClientClosedRequest, "the client left before the answer")
		}
		if ctx.Err() != nil {
			return nil, huma.Error503ServiceUnavailable("request cancelled")
		}
		h.Log.ErrorContext(ctx, "request failed", "operation", op.OperationID, "error", err)
		if outage(h.DB, err) {
			return nil, newProblem(http.StatusServiceUnavailable, "the service cannot use its database at present: /ready says why; try again later")
		}
		return nil, newProblem(http.StatusInternalServerError, "")
	})
}

type callerKey struct{}

// Caller is who sent the request of a [RequireAuth] operation.
func Caller(ctx context.Context) verifier.Identity {
	id, _ := ctx.Value(callerKey{}).(verifier.Identity)
	return id
}

// RequireAuth makes an operation answer 401 unless it comes with a valid bearer
// token; its handler finds the sender with [Caller].
func (h *Host) RequireAuth(op huma.Operation) huma.Operation {
	h.DependsOn(h.tokensBy)
	op.Security = []map[string][]string{{bearer: {}}}
	op.Errors = append(op.Errors, http.StatusUnauthorized)
	op.Middlewares = append(op.Middlewares, h.authenticate)
	return op
}

// authenticate is the middleware that verifies the bearer token of a request.
func (h *Host) authenticate(ctx huma.Context, next func(huma.Context)) {
	id, err := h.Verifier.Verify(ctx.Context(), verifier.Bearer(ctx.Header("Authorization")))
	switch {
	case err == nil:
		next(huma.WithValue(ctx, callerKey{}, id))
	case errors.Is(err, verifier.ErrUnauthorized):
		ctx.SetHeader("WWW-Authenticate", `Bearer error="invalid_token"`)
		_ = huma.WriteErr(h.API, ctx, http.StatusUnauthorized, err.Error())
	default:
		h.Log.ErrorContext(ctx.Context(), "token not verified", "error", err)
		_ = huma.WriteErr(h.API, ctx, http.StatusServiceUnavailable, "the auth service does not answer; try again")
	}
}
