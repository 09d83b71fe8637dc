package bus

import "sync/atomic"

// maxIdle bounds the goroutines that wait for a lane.
const maxIdle = 64

// workers run lanes, each in a goroutine. One that is done waits for the next lane:
// its stack has grown already.
type workers struct {
	lanes chan lane
	idle  atomic.Int32
	under *atomic.Int32 // lanes under way
}

func newWorkers(under *atomic.Int32) *workers { return &workers{lanes: make(chan lane), under: under} }

// do runs a lane. It never waits.
func (w *workers) do(l lane) {
	w.under.Add(1)
	select {
	case w.lanes <- l:
	default:
		go w.work(l)
	}
}

func (w *workers) work(l lane) {
	for more := true; more; {
		l.run()
		w.under.Add(-1)
		if w.idle.Add(1) > maxIdle {
			more = false
		} else {
			l, more = <-w.lanes
		}
		w.idle.Add(-1)
	}
}

// end has the workers end that have nothing to do. No lane comes after it.
func (w *workers) end() { close(w.lanes) }
