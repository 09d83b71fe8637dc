package clustertest

import (
	"os"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
)

// Server is a broker of the test's own, which it may stop and start: an embedded
// one, or Apache Kafka where [BrokersEnv] is set.
type Server struct {
	t     testing.TB
	port  int
	start func() (stop func())
	stop  func()
}

// NewServer starts a server, whose topics have three partitions by default.
func NewServer(t testing.TB) *Server {
	t.Helper()
	s := &Server{t: t, port: freePort(t)}
	if os.Getenv(BrokersEnv) != "" {
		s.start = newApart(t, s.port, "KILL").start
	} else {
		dir := t.TempDir()
		s.start = func() func() { return startEmbedded(t, kfake.DataDir(dir), kfake.Ports(s.port)).Close }
	}
	s.Start()
	t.Cleanup(func() { s.stop() })
	return s
}

// NewCleanKafka is a server of Apache Kafka, which [Server.Start] starts, and which
// ends by itself once Stop has signalled it.
func NewCleanKafka(t testing.TB) *Server {
	t.Helper()
	s := &Server{t: t, port: freePort(t), stop: func() {}}
	s.start = newApart(t, s.port, "TERM").start
	t.Cleanup(func() { s.stop() })
	return s
}

// NewKafka is a server of Apache Kafka, which [Server.Start] starts. Its Stop is a
// kill: Kafka has no time to write anything down.
func NewKafka(t testing.TB) *Server {
	t.Helper()
	s := &Server{t: t, port: freePort(t), stop: func() {}}
	s.start = newApart(t, s.port, "KILL").start
	t.Cleanup(func() { s.stop() })
	return s
}

// ListenAddrs are the addresses to connect to, which stay.
func (s *Server) ListenAddrs() []string { return []string{address(s.port)} }

// Start starts the server again, with all that it had acknowledged.
func (s *Server) Start() {
	s.t.Helper()
	s.stop = s.start()
}

// Stop ends the server. A second call does nothing.
func (s *Server) Stop() {
	s.stop()
	s.stop = func() {}
}
