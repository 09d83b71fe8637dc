package middleware

import (
	"crypto/sha256"
	"net/http"
	"sync"

	"axion/gateway/config"
	"axion/gateway/respwriter"
)

// inFlightReq bounds the requests that one source has at once. What it remembers is
// bounded by the requests under way.
func inFlightReq(c *config.InFlightReq) (Middleware, error) {
	key, err := keyOf(c.SourceCriterion, requestHost)
	if err != nil {
		return nil, err
	}
	counts := &counts{limit: c.Amount, of: make(map[string]int64)}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			source := hashKey(key(r))
			if !counts.enter(source) {
				http.Error(w, http.StatusText(http.StatusTooManyRequests), http.StatusTooManyRequests)
				return
			}
			defer respwriter.OnDone(w, func() { counts.leave(source) })
			next.ServeHTTP(w, r)
		})
	}, nil
}

// counts are the requests under way by source.
type counts struct {
	limit int64
	mu    sync.Mutex
	of    map[string]int64
}

func (c *counts) enter(source string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of[source] >= c.limit {
		return false
	}
	c.of[source]++
	return true
}

func (c *counts) leave(source string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of[source]--; c.of[source] == 0 {
		delete(c.of, source)
	}
}

// hashKey bounds what is kept of a key, which may be a header of any size.
func hashKey(key string) string {
	if len(key) <= maxKey {
		return key
	}
	sum := sha256.Sum256([]byte(key))
	return string(sum[:])
}
