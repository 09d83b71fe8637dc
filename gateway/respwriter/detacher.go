package respwriter

import (
	"context"
	"net/http"
)

// Detacher is a response writer whose request can outlast its handlers, as one that
// became a connection of its own does: none of what served it need wait with it.
type Detacher interface {
	// Detach has the request go on until end is called. It must end once ctx has.
	Detach() (ctx context.Context, end func())
	// OnDone calls f, or, where the request lasts, has f called at its end.
	OnDone(f func())
}

// OnDone calls f once the request behind w has ended, which for most is now. Handlers
// defer it where they count what is under way.
func OnDone(w http.ResponseWriter, f func()) {
	if l, ok := Find[Detacher](w); ok {
		l.OnDone(f)
		return
	}
	f()
}
