package middleware

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"axion/gateway/config"
	"axion/gateway/respwriter"
)

func circuitBreaker(c *config.CircuitBreaker, env Env) (Middleware, error) {
	condition, err := parseExpression("circuitbreaker.expression", c.Expression, breakerFunctions)
	if err != nil {
		return nil, err
	}
	if c.CheckPeriod < 0 || c.FallbackDuration < 0 || c.RecoveryDuration < 0 {
		return nil, errors.New("a duration of circuitbreaker is negative")
	}
	status := cmp.Or(c.ResponseCode, http.StatusServiceUnavailable)
	if status < 200 || status > 599 {
		return nil, fmt.Errorf("circuitbreaker.responsecode %d is not the status of an answer", status)
	}
	b := &breaker{
		condition: condition,
		source:    c.Expression,
		period:    cmp.Or(time.Duration(c.CheckPeriod), 100*time.Millisecond),
		fallback:  cmp.Or(time.Duration(c.FallbackDuration), 10*time.Second),
		recovery:  cmp.Or(time.Duration(c.RecoveryDuration), 10*time.Second),
		log:       env.Log,
		stats:     newStats(strings.Contains(c.Expression, latencyFunction)),
	}
	if b.log == nil {
		b.log = slog.New(slog.DiscardHandler)
	}
	b.closed.Store(true)
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !b.admit() {
				w.WriteHeader(status)
				_, _ = w.Write([]byte(http.StatusText(status)))
				return
			}
			began := time.Now()
			o := &observed{ResponseWriter: w}
			next.ServeHTTP(o, r)
			b.observe(cmp.Or(o.status, http.StatusOK), time.Since(began))
		})
	}, nil
}

// observed notes the status that was answered, 0 while there is none.
type observed struct {
	http.ResponseWriter
	status int
}

var _ respwriter.FailureHandler = (*observed)(nil)

// WriteHeader notes the status unless it is informational.
func (o *observed) WriteHeader(status int) {
	if o.status == 0 && (status >= 200 || status == http.StatusSwitchingProtocols) {
		o.status = status
	}
	o.ResponseWriter.WriteHeader(status)
}

// Unreachable notes what would have been answered where a retry outside of this
// middleware keeps it from the client.
func (o *observed) Unreachable(err error) bool {
	outer, ok := respwriter.Find[respwriter.FailureHandler](o.ResponseWriter)
	if !ok || !outer.Unreachable(err) {
		return false
	}
	o.status = http.StatusBadGateway
	return true
}

// Unwrap lets [http.ResponseController] reach the connection.
func (o *observed) Unwrap() http.ResponseWriter { return o.ResponseWriter }
