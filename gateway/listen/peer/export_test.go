//go:build linux

package peer

// Stall has n queries wait for the kernel until resume is called.
func (g *Guard) Stall(n int) (resume func()) {
	for range n {
		g.table.turns <- struct{}{}
	}
	return func() {
		for range n {
			<-g.table.turns
		}
	}
}

// Queries is how many run side by side.
const Queries = queries
