// Package cancellation says why a client's request has ended before its answer. A
// context says that it has, and net/http ends it for whatever a read of the connection
// failed with: the client's leaving, a deadline of the server's, or its shutdown.
package cancellation

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// StatusClientGone is what logs show for a client that left; nginx coined it.
const StatusClientGone = 499

// The causes that a context has no error for.
var (
	// ErrBodyTimeout is a request whose body did not come within its deadline. It is a
	// [net.Error] that is a timeout.
	ErrBodyTimeout error = bodyTimeout{}
	// ErrStopping is a server that closes its connections.
	ErrStopping = errors.New("the gateway closes the connection")
	// ErrInterrupted is a body whose reading was ended by [Interrupt].
	ErrInterrupted = errors.New("the rest of the request's body is not wanted")
)

type bodyTimeout struct{}

func (bodyTimeout) Error() string   { return "the request's body did not come in time" }
func (bodyTimeout) Timeout() bool   { return true }
func (bodyTimeout) Temporary() bool { return false }

// Cause is why ctx, a client's request's, has ended, or nil where it has not:
// [ErrBodyTimeout], [ErrStopping], [ErrInterrupted], [context.DeadlineExceeded] for the
// answer's deadline, and [context.Canceled] for a client that has left. Without
// [WithConn] the first and the third are not distinguished from the last.
func Cause(ctx context.Context) error {
	err := ctx.Err()
	if !errors.Is(err, context.Canceled) {
		return err
	}
	if errors.Is(context.Cause(ctx), ErrStopping) {
		return ErrStopping
	}
	if c := connOf(ctx); c != nil {
		if cause := c.cause(); cause != nil {
			return cause
		}
	}
	// Over HTTP/2 net/http resets the stream then, and so may be before the context.
	if until, ok := ctx.Deadline(); ok && !time.Now().Before(until) {
		return context.DeadlineExceeded
	}
	return context.Canceled
}

// Status is what a request that ended for cause is answered with, and logged as.
func Status(cause error) int {
	switch {
	case errors.Is(cause, ErrBodyTimeout):
		return http.StatusRequestTimeout
	case errors.Is(cause, context.DeadlineExceeded):
		return http.StatusGatewayTimeout
	case errors.Is(cause, ErrStopping):
		return http.StatusServiceUnavailable
	case errors.Is(cause, ErrInterrupted):
		return http.StatusBadGateway
	}
	return StatusClientGone
}

// detachedTimeout bounds what goes on for a request that has ended.
const detachedTimeout = 5 * time.Second

// Detach gives the context for what belongs to the answer of a request that ended for its
// body alone, for [ErrBodyTimeout] or [ErrInterrupted]: its client waits. It is bounded,
// as nothing says any more when the client leaves. For any other request it is ctx.
func Detach(ctx context.Context) (context.Context, context.CancelFunc) {
	cause := Cause(ctx)
	if !errors.Is(cause, ErrBodyTimeout) && !errors.Is(cause, ErrInterrupted) {
		return ctx, func() {}
	}
	until := time.Now().Add(detachedTimeout)
	if limit, ok := ctx.Deadline(); ok && limit.Before(until) {
		until = limit
	}
	return context.WithDeadline(context.WithoutCancel(ctx), until)
}
