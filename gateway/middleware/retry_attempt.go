package middleware

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"time"

	"axion/gateway/respwriter"
	"axion/gateway/spool"
)

const (
	// maxDiscard and discardTimeout bound what is read of an answer that is not handed
	// on, so that its connection can be used again: such an answer need not end.
	maxDiscard     = 64 << 10
	discardTimeout = 250 * time.Millisecond
)

// attempt is the response writer of one attempt: it says whether another follows.
type attempt struct {
	http.ResponseWriter
	method   string
	network  bool            // another follows where no answer came
	statuses []statuses      // and after one with these
	until    time.Time       // after it none follows; zero means never
	body     *readErrTracker // not kept; nil where there is none
	kept     *spool.Buffer   // the body to send again; nil where there is none
	left     int             // further attempts
	began    bool            // an answer has
	again    bool            // another attempt follows
	err      error           // why

	cancel    context.CancelFunc // ends the attempt; nil without statuses
	discarded int                // bytes of the answer
}

var _ respwriter.FailureHandler = (*attempt)(nil)

// send asks next once.
func (a *attempt) send(next http.Handler, r *http.Request) {
	if a.kept != nil {
		to := *r
		to.Body = io.NopCloser(a.kept.Reader())
		r = &to
	}
	if a.statuses == nil || a.left == 0 {
		next.ServeHTTP(a, r)
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	a.cancel, a.discarded = cancel, 0
	defer func() {
		// A proxy aborts so where an answer breaks off, this one because it was cut.
		fault := recover()
		if fault == nil {
			return
		}
		if err, ok := fault.(error); !a.again || !ok || !errors.Is(err, http.ErrAbortHandler) {
			panic(fault)
		}
	}()
	next.ServeHTTP(a, r.WithContext(ctx))
}

// Unreachable is true where the request can safely be sent once more: nobody has
// seen it, or asking twice does no harm (RFC 9110, 9.2.2).
func (a *attempt) Unreachable(err error) bool {
	if !a.network || !a.follows() || errors.Is(err, context.Canceled) || a.body != nil && a.body.begun.Load() {
		return false
	}
	if !unseen(err) && (a.body != nil || a.kept != nil || !safe(a.method) || timedOut(err)) {
		return false
	}
	a.again, a.err = true, err
	return true
}

// follows reports whether another attempt may.
func (a *attempt) follows() bool {
	return a.left > 0 && !a.began && !a.again && (a.until.IsZero() || time.Now().Before(a.until))
}

// unseen says failures to connect.
func unseen(err error) bool {
	failed, ok := errors.AsType[*net.OpError](err)
	return ok && failed.Op == "dial"
}

func timedOut(err error) bool {
	t, ok := errors.AsType[net.Error](err)
	return ok && t.Timeout()
}

func safe(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return true
	}
	return false
}

// WriteHeader begins the answer, also by an informational one, or drops it. Where the
// status may ask for another attempt, what is informational passes and decides nothing.
func (a *attempt) WriteHeader(status int) {
	if a.again {
		return
	}
	if a.statuses != nil && a.follows() {
		if status < 200 && status != http.StatusSwitchingProtocols {
			a.ResponseWriter.WriteHeader(status)
			return
		}
		if slices.ContainsFunc(a.statuses, func(s statuses) bool { return s.has(status) }) {
			a.again, a.err = true, fmt.Errorf("the answer's status is %d", status)
			time.AfterFunc(discardTimeout, a.cancel)
			return
		}
	}
	a.began = true
	a.ResponseWriter.WriteHeader(status)
}

// Write begins the answer.
func (a *attempt) Write(p []byte) (int, error) {
	if !a.began {
		a.WriteHeader(http.StatusOK)
	}
	if !a.again {
		return a.ResponseWriter.Write(p)
	}
	if a.discarded += len(p); a.discarded > maxDiscard {
		a.cancel()
	}
	return len(p), nil
}

// FlushError begins the answer.
func (a *attempt) FlushError() error {
	if !a.began {
		a.WriteHeader(http.StatusOK)
	}
	if a.again {
		return nil
	}
	return http.NewResponseController(a.ResponseWriter).Flush()
}

// Hijack begins the answer: what follows is the upgraded protocol's.
func (a *attempt) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if a.again {
		return nil, nil, errors.New("the answer is dropped")
	}
	a.began = true
	return http.NewResponseController(a.ResponseWriter).Hijack()
}

// Unwrap lets [http.ResponseController] reach the connection.
func (a *attempt) Unwrap() http.ResponseWriter { return a.ResponseWriter }
