package entrypoint

import (
	"errors"
	"net"
	"strconv"

	"axion/gateway/listen"
	"axion/gateway/routing"
)

// unprivilegedOffset is what is added to a port that this user may not open: 80 becomes 8080.
const unprivilegedOffset = 8000

// listenEntryPoint opens e's port on this machine alone.
func (s *Set) listenEntryPoint(e *routing.EntryPoint) (net.Listener, error) {
	l, err := listen.Listen(s.listenAddress(e))
	if _, denied := errors.AsType[*listen.Denied](err); !denied {
		return l, err
	}
	_, text, _ := net.SplitHostPort(e.Address)
	port, _ := strconv.Atoi(text)
	l, err = listen.Listen("localhost:" + strconv.Itoa(port+unprivilegedOffset))
	if err == nil {
		s.Log.Warn("entrypoint moved: this user may not open its port", "entrypoint", e.Name, "port", port, "to", listen.Port(l))
	}
	return l, err
}

// listenAddress is the address to listen on.
func (s *Set) listenAddress(e *routing.EntryPoint) string {
	if s.FreePorts {
		return "localhost:0"
	}
	return e.Address
}
