package upstream

import (
	"context"
	"errors"
	"net"
)

// Error tells why a server gave no answer.
type Error struct {
	// Op is the step that failed: "dial", "tls", "write", "body" (the client's),
	// "header" or "upgrade".
	Op string
	// Err is the cause.
	Err error
}

func (e *Error) Error() string { return e.Op + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Timeout reports whether a limit of time was exceeded.
func (e *Error) Timeout() bool {
	t, ok := errors.AsType[net.Error](e.Err)
	return ok && t.Timeout()
}

// Dial reports whether no connection could be made, for a reason other than that
// the client left. Another server may be tried.
func (e *Error) Dial() bool {
	return (e.Op == "dial" || e.Op == "tls") && !errors.Is(e.Err, context.Canceled)
}

// Sent reports whether the server may have seen the request.
func (e *Error) Sent() bool { return e.Op != "dial" && e.Op != "tls" }
