package guard

import "sync/atomic"

// drain is the end of the connections of a listener: requests are held back, and those
// under way are answered.
type drain struct {
	begun atomic.Bool
	// check is signalled by each response and each end of a connection, which may be the
	// last.
	check chan struct{}
}

func newDrain() *drain { return &drain{check: make(chan struct{}, 1)} }

// wake has the drain check again whether all is answered.
func (d *drain) wake() {
	select {
	case d.check <- struct{}{}:
	default:
	}
}
