package middleware

import (
	"container/list"
	"sync"

	"golang.org/x/time/rate"
)

// maxKey bounds what is kept of one client: a key may be a header of any size.
const maxKey = 64

// clients keeps one limiter for each of the clients seen last, at most limit. A
// client that is forgotten starts afresh.
type clients struct {
	limit int
	fresh func() *rate.Limiter

	mu     sync.Mutex
	byKey  map[string]*list.Element
	latest *list.List // of *client, last seen first
}

type client struct {
	key     string
	limiter *rate.Limiter
}

func newClients(limit int, fresh func() *rate.Limiter) *clients {
	return &clients{limit: limit, fresh: fresh, byKey: make(map[string]*list.Element), latest: list.New()}
}

func (c *clients) get(key string) *rate.Limiter {
	key = hashKey(key)
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.byKey[key]; ok {
		c.latest.MoveToFront(e)
		return e.Value.(*client).limiter
	}
	if c.latest.Len() >= c.limit {
		oldest := c.latest.Back()
		delete(c.byKey, oldest.Value.(*client).key)
		c.latest.Remove(oldest)
	}
	l := c.fresh()
	c.byKey[key] = c.latest.PushFront(&client{key, l})
	return l
}
