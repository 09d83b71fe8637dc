// Package loop finds requests that go in a circle: those that come back, through
// other proxies, to the gateway that sent them on.
package loop

import (
	"crypto/rand"
	"net/http"
	"strings"
)

const (
	// header names the proxies that a request went through (RFC 8586).
	header = "Cdn-Loop"
	// maxPasses is how often a marked request may come back: a service may send it on
	// to the gateway again, for another host.
	maxPasses = 8
)

// Detector is one gateway's. It is safe for concurrent use.
type Detector struct {
	id     string
	marked []string // the header of a request that has not been marked
	calm   int
}

// New makes one. Up to calm requests under way it costs nothing, and requests are not
// marked: a circle soon brings more.
func New(calm int) *Detector {
	id := "axion-" + rand.Text()
	return &Detector{id: id, marked: []string{id}, calm: calm}
}

// Circles reports whether a request has passed too often, given how many are under way,
// itself included. If it has not, it is marked where there are many.
func (d *Detector) Circles(h http.Header, underWay int) bool {
	if underWay <= d.calm {
		return false
	}
	before := h[header]
	if before == nil {
		h[header] = d.marked[:1:1]
		return false
	}
	passes := 0
	for _, line := range before {
		passes += strings.Count(line, d.id)
	}
	h[header] = []string{strings.Join(append(before[:len(before):len(before)], d.id), ", ")}
	return passes >= maxPasses
}
