package main

import (
	"fmt"
	"strings"
	"sync"
	"time"
)

// kind of a violation.
type kind int

const (
	lost       kind = iota // acknowledged, and not there
	duplicated             // there twice
	reordered              // behind a later record of the same producer
	aborted                // visible, though its transaction was aborted or never ended
	torn                   // a transaction of which only a part is visible
	back                   // a commit older than one that was acknowledged or read before
	changed                // an offset holds another record than was read there before
	broken                 // a client or the broker gave up, or never caught up
	kinds
)

func (k kind) String() string {
	return [...]string{"lost", "duplicated", "reordered", "aborted visible", "torn", "commits back", "changed", "broken"}[k]
}

// shown bounds how many violations of a kind are reported one by one.
const shown = 20

// report collects what went wrong. Its methods are safe for concurrent use.
type report struct {
	print func(format string, args ...any)
	begun time.Time

	mu      sync.Mutex
	counts  [kinds]int
	started time.Time // the broker's last start
	life    int       // the number of starts
	lines   []string  // what the run did, for the summary
}

func newReport(print func(string, ...any)) *report {
	return &report{print: print, begun: time.Now()}
}

// add reports a violation, with the time since the broker's last start: that of a kill
// shows soon after.
func (r *report) add(k kind, format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.counts[k]++; r.counts[k] > shown {
		return
	}
	at := time.Since(r.started).Round(time.Millisecond)
	now, what := time.Now().Format("15:04:05.000"), fmt.Sprintf(format, args...)
	r.print("%s %s (start %d, %s after it): %s", now, strings.ToUpper(k.String()), r.life, at, what)
}

// starts notes that the broker starts.
func (r *report) starts() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.started = time.Now()
	r.life++
}

// note adds a line to the summary.
func (r *report) note(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, fmt.Sprintf(format, args...))
}

// failed reports whether anything went wrong.
func (r *report) failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.counts != [kinds]int{}
}

// summary is the whole report.
func (r *report) summary() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var b strings.Builder
	for _, line := range r.lines {
		fmt.Fprintln(&b, line)
	}
	for k := range kinds {
		fmt.Fprintf(&b, "%d %s, ", r.counts[k], k)
	}
	fmt.Fprintf(&b, "in %s", time.Since(r.begun).Round(time.Second))
	return b.String()
}
