package rule

import "sync"

// Cache keeps parsed rules, so that those which did not change are not parsed again. The
// zero value is empty. It is safe for concurrent use.
type Cache struct {
	mu     sync.Mutex
	recent map[string]*Rule // asked for since the last Forget
	older  map[string]*Rule
}

// Parse is [Parse], or what that gave before. A nil cache keeps nothing.
func (c *Cache) Parse(s string) (*Rule, error) {
	if c == nil {
		return Parse(s)
	}
	c.mu.Lock()
	r := c.recent[s]
	if r == nil {
		r = c.older[s]
	}
	c.mu.Unlock()
	if r == nil {
		var err error
		if r, err = Parse(s); err != nil {
			return nil, err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.recent == nil {
		c.recent = map[string]*Rule{}
	}
	c.recent[s] = r
	return r, nil
}

// Forget drops the rules that were not asked for since it was called last.
func (c *Cache) Forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.older, c.recent = c.recent, nil
}
