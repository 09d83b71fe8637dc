// Package connlimit bounds how many connections from outside the process are open
// at one time.
package connlimit

import "sync"

// Max is the bound where enough files may be open. A client holds up to five
// connections.
const Max = 4096

// Limiter counts connections. The zero value allows [Default] of them. It is safe
// for concurrent use.
type Limiter struct {
	mu       sync.Mutex
	limit    int // 0 means Default()
	open     int
	refused  int64
	refusing bool // since one was refused; until there is room again
}

// SetLimit allows n connections from now on; those that are open stay.
func (l *Limiter) SetLimit(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.limit = n
}

// Acquire counts a connection in, or refuses it. first says that none was refused
// since there was room (a quarter of the limit) for the last time, and is for the
// log: a flood is logged once.
func (l *Limiter) Acquire() (ok, first bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open < l.bound() {
		l.open++
		return true, false
	}
	l.refused++
	first = !l.refusing
	l.refusing = true
	return false, first
}

// Release counts out a connection that Acquire has counted in.
func (l *Limiter) Release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open--
	l.refusing = l.refusing && l.open > l.bound()*3/4
}

// Counts gives the connections that are open, how many may be, and those that were
// refused.
func (l *Limiter) Counts() (open, limit int, refused int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.open, l.bound(), l.refused
}

// bound is the limit in force. The caller holds mu.
func (l *Limiter) bound() int {
	if l.limit == 0 {
		l.limit = Default()
	}
	return l.limit
}
