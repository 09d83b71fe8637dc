package guard

import (
	"net"

	"axion/broker/frame"
	"axion/broker/liveness"
)

// client is a connection's client, as the inspection of its requests knows it.
type client struct {
	*Deps
	notes   *notes
	pending *pending
	conn    liveness.Conn // by which its members are followed
	own     bool          // a client in this process
	peer    net.Addr
	closed  <-chan struct{} // with the connection
	stopped <-chan struct{} // with the listener
	warn    func(msg string, args ...any)

	// ending ends the connection once the present request is passed on. It is for the
	// connection's reader alone.
	ending error
}

// onResponse has a hook change the response to req.
func (c *client) onResponse(req frame.Request, hook responseHook) { c.pending.onResponse(req, hook) }
