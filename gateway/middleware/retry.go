package middleware

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"

	"axion/gateway/config"
	"axion/gateway/record"
)

// statusClientLeft is what logs show for a client that left; nginx coined it.
const statusClientLeft = 499

func retry(c *config.Retry, env Env) (Middleware, error) {
	if c.Attempts <= 0 {
		return nil, fmt.Errorf("retry.attempts is %d: it is to be 1 or more", c.Attempts)
	}
	if c.InitialInterval < 0 {
		return nil, errors.New("retry.initialinterval is negative")
	}
	return func(next http.Handler) http.Handler {
		if c.Attempts == 1 {
			return next
		}
		return &retrier{next, c.Attempts, time.Duration(c.InitialInterval), env}
	}, nil
}

type retrier struct {
	next     http.Handler
	attempts int
	first    time.Duration // the first pause
	env      Env
}

// ServeHTTP asks until an answer has begun. What a failed attempt did to headers
// is undone before the next one.
func (t *retrier) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	request, response := remember(r.Header), remember(w.Header())
	defer request.release()
	defer response.release()
	a := &attempt{ResponseWriter: w, method: r.Method, left: t.attempts - 1}
	if r.Body != nil && r.Body != http.NoBody {
		a.body = &unread{ReadCloser: r.Body}
		to := *r
		to.Body = a.body
		r = &to
	}
	host := r.Host
	t.next.ServeHTTP(a, r)
	if !a.again {
		return
	}
	pause := t.pauses()
	for a.again {
		if !wait(r.Context(), pause.NextBackOff()) {
			w.WriteHeader(statusClientLeft)
			return
		}
		if counter, ok := record.Find[record.Retrier](w); ok {
			counter.Retried()
		}
		if t.env.Log != nil {
			t.env.Log.Debug("request is tried again", "method", r.Method, "host", host, "path", r.URL.Path, "error", a.err)
		}
		request.restore(r.Header)
		response.restore(w.Header())
		to := *r
		to.Host = host
		a.again, a.left = false, a.left-1
		t.next.ServeHTTP(a, &to)
	}
}

// pauses grow from the first one to its double over the attempts, as in Traefik.
func (t *retrier) pauses() backoff.BackOff {
	if t.first <= 0 {
		return &backoff.ZeroBackOff{}
	}
	b := backoff.NewExponentialBackOff()
	b.InitialInterval = t.first
	b.MaxInterval = 2 * t.first
	b.Multiplier = math.Pow(2, 1/float64(t.attempts-1))
	b.Reset()
	return b
}

// wait is false where the client has gone.
func wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// attempt is the response writer of one attempt: it says whether another follows.
type attempt struct {
	http.ResponseWriter
	method string
	body   *unread // nil where there is none
	left   int     // further attempts
	began  bool    // an answer has
	again  bool
	err    error
}

var _ record.Unreachable = (*attempt)(nil)

// Unreachable is true where the request can safely be sent once more: nobody has
// seen it, or asking twice does no harm (RFC 9110, 9.2.2).
func (a *attempt) Unreachable(err error) bool {
	if a.left == 0 || a.began || errors.Is(err, context.Canceled) || a.body != nil && a.body.begun.Load() {
		return false
	}
	if !unseen(err) && (a.body != nil || !safe(a.method) || timedOut(err)) {
		return false
	}
	a.again, a.err = true, err
	return true
}

// unseen tells failures to connect.
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

// WriteHeader begins the answer, also by an informational one.
func (a *attempt) WriteHeader(status int) {
	a.began = true
	a.ResponseWriter.WriteHeader(status)
}

// Write begins the answer.
func (a *attempt) Write(p []byte) (int, error) {
	a.began = true
	return a.ResponseWriter.Write(p)
}

// FlushError begins the answer.
func (a *attempt) FlushError() error {
	a.began = true
	return http.NewResponseController(a.ResponseWriter).Flush()
}

// Hijack begins the answer: what follows is the upgraded protocol's.
func (a *attempt) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	a.began = true
	return http.NewResponseController(a.ResponseWriter).Hijack()
}

// Unwrap lets [http.ResponseController] reach the connection.
func (a *attempt) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// unread is a body that outlives attempts, as long as none has read of it.
type unread struct {
	io.ReadCloser
	begun atomic.Bool
}

// Read notes that this body cannot be sent again.
func (b *unread) Read(p []byte) (int, error) {
	b.begun.Store(true)
	return b.ReadCloser.Read(p)
}

// Close leaves the body to the server that gave it.
func (b *unread) Close() error { return nil }
