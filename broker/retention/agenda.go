package retention

import (
	"container/heap"
	"time"
)

// agenda holds partitions by when they are due.
type agenda struct{ q queue }

// set has p be due at a time, or not at all.
func (a *agenda) set(p *partition, at time.Time) {
	a.remove(p)
	if p.at = at; at.Before(never) {
		heap.Push(&a.q, p)
	}
}

func (a *agenda) remove(p *partition) {
	if p.index > 0 {
		heap.Remove(&a.q, p.index-1)
	}
}

// pop takes one out that is due, or returns nil.
func (a *agenda) pop(now time.Time) *partition {
	if len(a.q) == 0 || a.q[0].at.After(now) {
		return nil
	}
	return heap.Pop(&a.q).(*partition)
}

// queue implements [heap.Interface].
type queue []*partition

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i].at.Before(q[j].at) }

func (q queue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].index, q[j].index = i+1, j+1
}

// Push appends a partition.
func (q *queue) Push(x any) {
	p := x.(*partition)
	*q = append(*q, p)
	p.index = len(*q)
}

// Pop takes the last out.
func (q *queue) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	last.index = 0
	return last
}
