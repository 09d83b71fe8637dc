package javatest

import (
	"log/slog"
	"net"
	"strconv"
	"testing"

	"axion/broker"
	"axion/services/clustertest"
)

// embedded is an embedded broker, as a stack runs it.
type embedded struct {
	t       testing.TB
	address string
	dir     string
	running *broker.Broker
}

var _ server = (*embedded)(nil)

// newEmbedded starts one.
func newEmbedded(t testing.TB) *embedded {
	t.Helper()
	e := &embedded{t: t, dir: t.TempDir(), address: net.JoinHostPort("127.0.0.1", strconv.Itoa(clustertest.Port(t)))}
	e.Start()
	t.Cleanup(e.Stop)
	return e
}

// ListenAddrs are the addresses to connect to.
func (e *embedded) ListenAddrs() []string { return []string{e.address} }

// Start starts the broker again, with all that it had acknowledged.
func (e *embedded) Start() {
	listener, err := net.Listen("tcp", e.address)
	if err != nil {
		e.t.Errorf("listen: %v", err)
		return
	}
	e.running, err = broker.Start(e.t.Context(), broker.Options{Listener: listener, Dir: e.dir, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		e.t.Errorf("start: %v", err)
	}
}

// Stop ends the broker. A second call does nothing.
func (e *embedded) Stop() {
	if e.running == nil {
		return
	}
	if err := e.running.Close(); err != nil {
		e.t.Errorf("close: %v", err)
	}
	e.running = nil
}
