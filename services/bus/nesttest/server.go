package nesttest

import (
	"strings"
	"testing"
	"time"
)

// Roles of a server.
const (
	Codegen  = "codegen"  // takes the place of codegen-service
	Patterns = "patterns" // the same, on its pattern topics alone
	Probe    = "probe"    // answers on nest.echo, nest.received and nest.answer, hears nest.event
)

// ServerOptions say which peer to start.
type ServerOptions struct {
	// Brokers are the seed addresses. Required.
	Brokers []string
	// Group is the peer's groupId, to which NestJS adds "-server". Required.
	Group string
	// Role is [Codegen], [Patterns] or [Probe]. Required.
	Role string
	// Hold has a codegen take requests and never answer.
	Hold bool
}

// Server is a NestJS server.
type Server struct {
	*process
	got chan Got
}

// Serve starts a server and waits until it has joined its group and knows where
// it starts to read.
func (a *App) Serve(t testing.TB, o ServerOptions) *Server {
	t.Helper()
	got := make(chan Got, 1<<12)
	args := []string{"server", "--brokers", strings.Join(o.Brokers, ","), "--group", o.Group, "--role", o.Role}
	if o.Hold {
		args = append(args, "--hold")
	}
	return &Server{a.start(t, func(l line) { got <- l.Got }, args...), got}
}

// Next waits for the next message that reached a handler which tells of it:
// those of nest.event, and of codegen's GENERATE_CODE.
func (s *Server) Next(t testing.TB) Got {
	t.Helper()
	select {
	case g := <-s.got:
		return g
	case <-time.After(Deadline):
		t.Fatal("no message reached the NestJS server")
		panic("unreachable")
	}
}
