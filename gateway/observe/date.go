package observe

import (
	"net/http"
	"sync/atomic"
	"time"
)

// clock is the Date of answers, whose text is made once a second. It is safe for
// concurrent use.
type clock struct{ last atomic.Pointer[moment] }

type moment struct {
	second int64
	date   []string
}

// now is the field's value (RFC 9110, section 6.6.1), which is not to be changed.
func (c *clock) now() []string {
	now := time.Now()
	if at := c.last.Load(); at != nil && at.second == now.Unix() {
		return at.date
	}
	date := []string{now.UTC().Format(http.TimeFormat)}
	c.last.Store(&moment{now.Unix(), date})
	return date
}

// date puts the Date into an answer that has none, as net/http would, which writes its
// text anew for each. A middleware that removed it has left it without a value.
func date(e *Exchange) {
	h := e.ResponseWriter.Header()
	if _, there := h["Date"]; !there {
		h["Date"], e.dated = e.observer.clock.now(), true
	}
}
