package consumer

import "sync/atomic"

// keyQueue is the messages of one key, or one message that has none, beginning with it.
type keyQueue struct {
	p     *partition
	it    *item
	key   string
	keyed bool
}

// run processes the queue's messages, until there are none.
func (q keyQueue) run() {
	for it := q.it; it != nil; {
		processor{q.p}.process(it)
		if it = nil; q.keyed {
			it = q.p.next(q.key)
		}
	}
	q.p.release()
}

// maxIdle bounds the goroutines that wait for a key queue.
const maxIdle = 64

// workerPool runs key queues, each in a goroutine. One that is done waits for the next
// queue: its stack has grown already.
type workerPool struct {
	queues  chan keyQueue
	idle    atomic.Int32
	running *atomic.Int32 // counts the queues that run
}

func newWorkerPool(running *atomic.Int32) *workerPool {
	return &workerPool{queues: make(chan keyQueue), running: running}
}

// do runs a queue. It never waits.
func (w *workerPool) do(q keyQueue) {
	w.running.Add(1)
	select {
	case w.queues <- q:
	default:
		go w.work(q)
	}
}

func (w *workerPool) work(q keyQueue) {
	for more := true; more; {
		q.run()
		w.running.Add(-1)
		if w.idle.Add(1) > maxIdle {
			more = false
		} else {
			q, more = <-w.queues
		}
		w.idle.Add(-1)
	}
}

// end has the goroutines end that wait. No queue comes after it.
func (w *workerPool) end() { close(w.queues) }
