package middleware

import (
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"golang.org/x/time/rate"

	"axion/gateway/cancellation"
	"axion/gateway/config"
)

// maxClients bounds the clients that one limiter remembers.
const maxClients = 65536

func rateLimit(c *config.RateLimit) (Middleware, error) {
	if c.Average < 0 || c.Burst < 0 || c.Period < 0 {
		return nil, errors.New("ratelimit: average, burst and period must not be negative")
	}
	if c.Average == 0 {
		return func(next http.Handler) http.Handler { return next }, nil
	}
	period := time.Duration(c.Period)
	if period == 0 {
		period = time.Second
	}
	perSecond := float64(c.Average) / period.Seconds()
	burst := int(min(max(c.Burst, 1), math.MaxInt32))
	clients := newClients(maxClients, func() *rate.Limiter { return rate.NewLimiter(rate.Limit(perSecond), burst) })
	key, err := keyOf(c.SourceCriterion, peer)
	if err != nil {
		return nil, err
	}
	patience := maxDelayAt(perSecond)
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			reservation := clients.get(key(r)).Reserve()
			delay := reservation.Delay()
			if delay > patience {
				reservation.Cancel()
				refuse(w, delay)
				return
			}
			if delay > 0 && !wait(r.Context(), delay) {
				w.WriteHeader(cancellation.Status(cancellation.Cause(r.Context())))
				return
			}
			next.ServeHTTP(w, r)
		})
	}, nil
}

// maxDelayAt is how long a request is held back rather than refused, half the
// time between two requests, so that a client who keeps the rate is never
// refused for its jitter.
func maxDelayAt(perSecond float64) time.Duration {
	return time.Duration(float64(time.Second) / (2 * max(perSecond, 1)))
}

func refuse(w http.ResponseWriter, delay time.Duration) {
	w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(delay.Seconds()))))
	w.Header().Set("X-Retry-In", delay.String())
	w.WriteHeader(http.StatusTooManyRequests)
	_, _ = w.Write([]byte(http.StatusText(http.StatusTooManyRequests)))
}
