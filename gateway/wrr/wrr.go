// Package wrr balances over several things by weighted round robin, as evenly as can be.
package wrr

import "sync"

// Balancer balances over things that are known by their index. It is safe for concurrent
// use.
type Balancer struct {
	mu      sync.Mutex
	weights []int
	current []int
}

// New makes a balancer over as many things as there are weights. One of weight 0 is
// never chosen.
func New(weights []int) *Balancer {
	return &Balancer{weights: weights, current: make([]int, len(weights))}
}

// Next is the index of the next thing of those that are usable, or -1 where none is. A
// nil function means that all are.
func (b *Balancer) Next(usable func(i int) bool) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	best, total := -1, 0
	for i, weight := range b.weights {
		if weight <= 0 || usable != nil && !usable(i) {
			continue
		}
		b.current[i] += weight
		total += weight
		if best < 0 || b.current[i] > b.current[best] {
			best = i
		}
	}
	if best >= 0 {
		b.current[best] -= total
	}
	return best
}
