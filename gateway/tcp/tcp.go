// Package tcp routes raw connections: by an entrypoint alone, or by what a TLS
// client says before it is answered. TLS is ended here, or passed through to the
// server as it is.
//
// [Build] makes the tables of all entrypoints from a configuration; a [Mux] serves
// the connections of one entrypoint by the table in force, and leaves the others to
// HTTP. A connection goes on with what it began with when the tables change.
package tcp

import (
	"log/slog"
	"syscall"

	"axion/gateway/config"
	"axion/gateway/layer4"
)

// Options say what [Build] builds for.
type Options struct {
	// EntryPoints gives for each name that an entrypoint for TCP has the one by
	// which [Tables.Table] knows it.
	EntryPoints map[string]string
	// Defaults are the entrypoints, as Table knows them, of routers that name none.
	Defaults []string
	// TLSOptions reports whether there are TLS options of that name. Nil means that
	// there are all.
	TLSOptions func(name string) bool
	// Old holds the tables in force, from which what is unchanged is taken: its
	// health, turns and counts go on. Nil means none.
	Old *Tables
	// Refuse says why the server of a service, at "host:port", must not be connected
	// to. Nil means that none is refused.
	Refuse func(c *config.TCPService, address string) error
	// Begin is closed once servers may be checked. Nil: they may be at once.
	Begin <-chan struct{}
	// Control is that of the dialers of all servers, see [net.Dialer]. Nil means none.
	Control func(network, address string, c syscall.RawConn) error
	// Log receives health changes. Nil discards.
	Log *slog.Logger
}

// Route describes one router.
type Route struct {
	Name        string
	Config      *config.TCPRouter
	EntryPoints []string // as [Tables.Table] knows them
	Priority    int      // in force
	// Hosts are the server names that the rule spells out; HostPriorityAny says that others
	// can match as well.
	Hosts    []string
	AnyHost  bool
	Enabled  bool
	Findings []layer4.Finding
}

// Server is the state of one server of a service.
type Server struct {
	Address string
	Up      bool
}
