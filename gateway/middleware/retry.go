package middleware

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"

	"axion/gateway/cancellation"
	"axion/gateway/config"
	"axion/gateway/respwriter"
	"axion/gateway/spool"
)

func retry(c *config.Retry, env Env) (Middleware, error) {
	switch {
	case c.Attempts <= 0:
		return nil, fmt.Errorf("retry.attempts is %d: it is to be 1 or more", c.Attempts)
	case c.InitialInterval < 0:
		return nil, errors.New("retry.initialinterval is negative")
	case c.Timeout < 0:
		return nil, errors.New("retry.timeout is negative")
	case c.DisableRetryOnNetworkError && len(c.Status) == 0:
		return nil, errors.New("retry.disableretryonnetworkerror leaves nothing to retry: set retry.status")
	}
	t := &retrier{
		attempts: c.Attempts, first: time.Duration(c.InitialInterval), timeout: time.Duration(c.Timeout),
		network: !c.DisableRetryOnNetworkError, anyMethod: c.RetryNonIdempotentMethod, maxBody: defaultReplayBody, env: env,
	}
	if c.MaxRequestBodyBytes != nil {
		t.maxBody = *c.MaxRequestBodyBytes
	}
	for _, text := range c.Status {
		s, err := parseStatuses("retry.status", text)
		if err != nil {
			return nil, err
		}
		t.statuses = append(t.statuses, s)
	}
	return func(next http.Handler) http.Handler {
		if c.Attempts == 1 {
			return next
		}
		t := *t
		t.next = next
		return &t
	}, nil
}

type retrier struct {
	next      http.Handler
	attempts  int
	first     time.Duration // the first pause
	timeout   time.Duration // after it no attempt follows; 0 means never
	statuses  []statuses    // that are retried
	network   bool          // where no answer came, too
	anyMethod bool          // statuses count for methods that are not idempotent, too
	maxBody   int64         // bytes kept for the statuses' attempts; negative means all
	env       Env
}

// ServeHTTP asks until an answer has begun. What a failed attempt did to headers
// is undone before the next one.
func (t *retrier) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	request, response := saveHeaders(r.Header), saveHeaders(w.Header())
	defer request.release()
	defer response.release()
	a := &attempt{ResponseWriter: w, method: r.Method, left: t.attempts - 1, network: t.network}
	if t.timeout > 0 {
		a.until = time.Now().Add(t.timeout)
	}
	if t.byStatus(r) {
		kept, whole, err := spool.Keep(r, t.maxBody)
		if kept != nil {
			defer kept.Close()
		}
		if err != nil {
			spool.Fail(w, r, err)
			return
		}
		if whole {
			a.kept, a.statuses = kept, t.statuses
		}
	}
	if a.kept == nil && r.Body != nil && r.Body != http.NoBody {
		a.body = &readErrTracker{ReadCloser: r.Body}
		to := *r
		to.Body = a.body
		r = &to
	}
	host := r.Host
	a.send(t.next, r)
	if !a.again {
		return
	}
	pause := t.pauses()
	for a.again {
		if !wait(r.Context(), pause.NextBackOff()) {
			w.WriteHeader(cancellation.Status(cancellation.Cause(r.Context())))
			return
		}
		if counter, ok := respwriter.Find[respwriter.RetryRecorder](w); ok {
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
		a.send(t.next, &to)
	}
}

// byStatus reports whether r is asked again because of an answer's status. Tunnels
// and gRPC are not: their bodies can last as long as the answer, and gRPC says its
// own status after it.
func (t *retrier) byStatus(r *http.Request) bool {
	if len(t.statuses) == 0 || r.Method == http.MethodConnect || strings.HasPrefix(r.Header.Get(contentTypeHeader), grpcType) {
		return false
	}
	return t.anyMethod || r.Method != http.MethodPost && r.Method != http.MethodPatch && r.Method != "LOCK"
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

// wait is false where the request has ended.
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
