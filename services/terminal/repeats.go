package terminal

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

const (
	// repeatTime is for how long a message that comes again is counted.
	repeatTime = 5 * time.Second
	// maxRepeats bounds the messages that are looked at for that.
	maxRepeats = 256
)

// repeats writes messages, but not the same one within a time. It is safe for concurrent use.
type repeats struct {
	out   io.Writer
	color func() bool

	mu   sync.Mutex
	seen map[string]*repeat
}

// repeat is a message that was written.
type repeat struct {
	times int // it came again
	timer *time.Timer
}

// write writes a message of lines, which is known by its text, after a time.
func (r *repeats) write(at, text string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if known := r.seen[text]; known != nil {
		known.times++
		return nil
	}
	if len(r.seen) < maxRepeats {
		r.seen[text] = &repeat{timer: time.AfterFunc(repeatTime, func() { r.forget(text) })}
	}
	_, err := io.WriteString(r.out, at+text+"\n")
	return err
}

// forget has a message written when it comes again, and says how often it came meanwhile.
func (r *repeats) forget(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if known := r.seen[text]; known != nil {
		known.timer.Stop()
		delete(r.seen, text)
		r.report(text, known.times)
	}
}

// report writes the first line of a message that came again.
func (r *repeats) report(text string, times int) {
	if times == 0 {
		return
	}
	line, _, _ := strings.Cut(text, "\n")
	again := "once more"
	if times > 1 {
		again = fmt.Sprintf("%d times more", times)
	}
	_, _ = fmt.Fprintf(r.out, "%s%s (%s)\n", clock(r.color(), time.Now()), line, again)
}

// Flush writes how often messages came again, which is counted anew from then on. It does not
// fail.
func (r *repeats) Flush(context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for text, known := range r.seen {
		known.timer.Stop()
		delete(r.seen, text)
		r.report(text, known.times)
	}
	return nil
}

// clock is how a line begins.
func clock(color bool, now time.Time) string {
	return paint(color, dim, now.Format(time.TimeOnly)) + " "
}
