package peer

import (
	"errors"
	"net"
)

// ServerError says that another user of this machine serves an address.
type ServerError struct {
	// Address is "host:port", UID the user's number, and Name its name, or the number
	// where it has none.
	Address string
	UID     uint32
	Name    string
}

// Error gives "127.0.0.1:3002 is served by user nobody".
func (e *ServerError) Error() string { return e.Address + " is served by user " + e.Name }

// Hint is the hint shown with the error.
func (e *ServerError) Hint() string {
	return "start your process there, or start axion with --allow-user " + e.Name + " if that one is yours"
}

// CheckServer reports whether the user who serves the other end of a connection that this
// process made may be sent what is for its own user's servers: a [*ServerError] where it
// is another one of this machine. It is to be asked before anything is sent. Who is
// beyond this machine, or in a container with a network of its own, is not distinguished. It
// blocks for a few times half a second at most.
func (g *Guard) CheckServer(c net.Conn) error {
	remote, ok := address(c.RemoteAddr())
	local, too := address(c.LocalAddr())
	if g.off != nil || !ok || !too {
		return nil
	}
	s, err := g.table.server(remote, local)
	switch {
	case errors.Is(err, errElsewhere) && !reset(c):
		return nil
	case err != nil:
		return err
	case reset(c):
		return errGone
	case g.allowed[s.uid]:
		return nil
	}
	return &ServerError{Address: remote.String(), UID: s.uid, Name: name(s.uid)}
}
