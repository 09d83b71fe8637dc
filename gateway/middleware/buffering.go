package middleware

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"

	"axion/gateway/config"
	"axion/gateway/http1"
	"axion/gateway/spool"
)

const (
	// maxAttempts bounds the retry expression, as in Traefik.
	maxAttempts = 10
)

func buffering(c *config.Buffering) (Middleware, error) {
	for _, size := range []struct {
		name  string
		bytes int64
	}{
		{"maxrequestbodybytes", c.MaxRequestBodyBytes},
		{"memrequestbodybytes", c.MemRequestBodyBytes},
		{"maxresponsebodybytes", c.MaxResponseBodyBytes},
		{"memresponsebodybytes", c.MemResponseBodyBytes},
	} {
		if size.bytes < 0 {
			return nil, fmt.Errorf("buffering.%s is negative: 0 means no limit", size.name)
		}
	}
	b := bufferer{config: *c}
	b.config.MemRequestBodyBytes = cmp.Or(c.MemRequestBodyBytes, spool.DefaultMemory)
	b.config.MemResponseBodyBytes = cmp.Or(c.MemResponseBodyBytes, spool.DefaultMemory)
	if c.RetryExpression != "" {
		var err error
		if b.retry, err = parseExpression("buffering.retryexpression", c.RetryExpression, outcomeFunctions); err != nil {
			return nil, err
		}
	}
	return func(next http.Handler) http.Handler {
		b := b
		b.next = next
		return &b
	}, nil
}

type bufferer struct {
	next   http.Handler
	config config.Buffering
	retry  expression[outcome] // nil means never
}

// outcome is what a retry expression judges.
type outcome struct {
	method  string
	status  int
	attempt int // from 1
}

// outcomeFunctions are what a retry expression may call.
var outcomeFunctions = map[string]function[outcome]{
	"Attempts": {0, func([]float64) operand[outcome] {
		return operand[outcome]{number: func(o outcome) float64 { return float64(o.attempt) }}
	}},
	"IsNetworkError": {0, func([]float64) operand[outcome] {
		return operand[outcome]{truth: func(o outcome) bool {
			return o.status == http.StatusBadGateway || o.status == http.StatusGatewayTimeout
		}}
	}},
	"RequestMethod": {0, func([]float64) operand[outcome] {
		return operand[outcome]{text: func(o outcome) string { return o.method }}
	}},
	"ResponseCode": {0, func([]float64) operand[outcome] {
		return operand[outcome]{number: func(o outcome) float64 { return float64(o.status) }}
	}},
}

// ServeHTTP reads the whole request, then the whole answer, which it asks for
// again while the retry expression holds.
func (b *bufferer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body := &spool.Buffer{Memory: b.config.MemRequestBodyBytes, Limit: b.config.MaxRequestBodyBytes}
	defer body.Close()
	if err := b.read(body, r); err != nil {
		fail(w, r, err)
		return
	}
	before := saveHeaders(r.Header)
	defer before.release()
	for attempt := 1; ; attempt++ {
		again, err := b.attempt(w, r, body, attempt)
		if err != nil {
			fail(w, r, err)
			return
		}
		if !again {
			return
		}
		before.restore(r.Header)
	}
}

// fail answers for a request that could not be read or handed on.
func fail(w http.ResponseWriter, r *http.Request, err error) {
	status := http.StatusInternalServerError
	switch {
	case errors.Is(err, spool.ErrTooLarge):
		status = http.StatusRequestEntityTooLarge
	case errors.Is(err, spool.ErrUnreadable):
		status = http1.BodyStatus(r, err)
	}
	w.WriteHeader(status)
	_, _ = w.Write([]byte(http.StatusText(status)))
}

func (b *bufferer) read(body *spool.Buffer, r *http.Request) error {
	if body.Limit > 0 && r.ContentLength > body.Limit {
		return spool.ErrTooLarge
	}
	if r.Body == nil || r.Body == http.NoBody {
		return nil
	}
	from := &spool.Source{Reader: r.Body}
	_, err := io.Copy(body, from)
	if from.Err != nil {
		return errors.Join(spool.ErrUnreadable, from.Err)
	}
	return err
}

// attempt asks once, and answers unless it is to be asked again. An error means
// that nothing was answered yet.
func (b *bufferer) attempt(w http.ResponseWriter, r *http.Request, body *spool.Buffer, attempt int) (again bool, err error) {
	to := *r
	to.TransferEncoding = nil
	to.ContentLength = body.Size()
	to.Body = http.NoBody
	if body.Size() > 0 {
		to.Body = io.NopCloser(body.Reader())
	}
	a := &buffered{
		ResponseWriter: w,
		header:         w.Header().Clone(),
		body:           spool.Buffer{Memory: b.config.MemResponseBodyBytes, Limit: b.config.MaxResponseBodyBytes},
		decides:        b.retry != nil,
	}
	defer a.body.Close()
	a.fill(b.next, &to)
	switch {
	case a.hijacked, a.retried:
		return false, nil
	case a.err != nil:
		// Not as the cause: that it is too large is the server's fault.
		return false, fmt.Errorf("buffer the answer: %v", a.err) //nolint:errorlint // see above
	}
	status := cmp.Or(a.status, http.StatusOK)
	if b.retry != nil && attempt <= maxAttempts && r.Context().Err() == nil && b.retry(outcome{r.Method, status, attempt}) {
		return true, nil
	}
	a.deliver(status)
	return false, nil
}
