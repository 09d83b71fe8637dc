// Package turn chooses among several things by weight, each in its turn and as
// evenly as can be.
package turn

import "sync"

// Wheel turns over things that are known by their place. It is safe for
// concurrent use.
type Wheel struct {
	mu      sync.Mutex
	weights []int
	current []int
}

// New makes a wheel of as many things as there are weights. One of weight 0 is
// never chosen.
func New(weights []int) *Wheel {
	return &Wheel{weights: weights, current: make([]int, len(weights))}
}

// Next is the place of the thing whose turn it is, of those that are usable, or
// -1 where none is.
func (w *Wheel) Next(usable func(i int) bool) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	best, total := -1, 0
	for i, weight := range w.weights {
		if weight <= 0 || !usable(i) {
			continue
		}
		w.current[i] += weight
		total += weight
		if best < 0 || w.current[i] > w.current[best] {
			best = i
		}
	}
	if best >= 0 {
		w.current[best] -= total
	}
	return best
}
