package conn

import (
	"sync"
	"time"
)

// timers are reused: each publication needs one.
var timers = sync.Pool{New: func() any {
	t := time.NewTimer(time.Hour)
	t.Stop()
	return t
}}

func startTimer(d time.Duration) *time.Timer {
	t := timers.Get().(*time.Timer)
	t.Reset(d)
	return t
}

func endTimer(t *time.Timer) {
	t.Stop() // since Go 1.23 its channel is empty after this
	timers.Put(t)
}
