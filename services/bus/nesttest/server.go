package nesttest

import (
	"strings"
	"testing"
	"time"

	"axion/services/contract"
)

// Roles of a server.
const (
	Codegen  = "codegen"  // takes the place of codegen-service
	Patterns = "patterns" // the same, on its pattern topics alone
	Auth     = "auth"     // takes the place of auth-service, on the pattern topic of VALIDATE_SESSION alone
	Probe    = "probe"    // answers on nest.echo, nest.received and nest.answer, hears nest.event
)

// Topics are those that a server of a role reads. They must be there before it
// starts: to KafkaJS a topic that Apache Kafka has yet to make is an error that ends
// the process.
func Topics(role string) []string {
	if role == Probe {
		return []string{"nest.echo", "nest.received", "nest.answer", "nest.event"}
	}
	if role == Auth {
		return []string{contract.PatternTopic(contract.Auth, contract.ValidateSession)}
	}
	topics := []string{contract.Topic(contract.Codegen)}
	for _, typ := range contract.Requests()[contract.Codegen] {
		topics = append(topics, contract.PatternTopic(contract.Codegen, typ))
	}
	return topics
}

// ServerOptions say which peer to start.
type ServerOptions struct {
	// Brokers are the seed addresses. Required.
	Brokers []string
	// Group is the peer's groupId, to which NestJS adds "-server". Required.
	Group string
	// Role is [Codegen], [Patterns], [Auth] or [Probe]. Required.
	Role string
	// Hold has a codegen take requests and never answer.
	Hold bool
	// Env adds to the process's environment, "NAME=value" each. Nil: nothing.
	Env []string
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
	return &Server{a.start(t, func(l line) { got <- l.Got }, o.Env, args...), got}
}

// Next waits for the next message that reached a handler which returns it:
// those of nest.event, of codegen's GENERATE_CODE and of auth's VALIDATE_SESSION.
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
