package telemetry

// change lets readers wait for the next change of what a lock guards, and is
// guarded by that lock itself. While nobody waits a change costs nothing.
type change struct{ next chan struct{} }

// wait is closed at the next change.
func (c *change) wait() <-chan struct{} {
	if c.next == nil {
		c.next = make(chan struct{})
	}
	return c.next
}

func (c *change) tell() {
	if c.next != nil {
		close(c.next)
		c.next = nil
	}
}
