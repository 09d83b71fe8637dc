// Package udp routes datagrams: all that reach an entrypoint go to the service of
// its router. The datagrams of one client address are a session with one server,
// until it was idle for a while.
//
// [Build] makes the tables of all entrypoints from a configuration; a [ServerRecorder]
// serves one entrypoint by the table in force. A session goes on with the server
// that it began with when the tables change.
package udp

import (
	"net"

	"axion/gateway/config"
	"axion/gateway/layer4"
)

// Options say what [Build] builds for.
type Options struct {
	// EntryPoints gives for each name that an entrypoint for UDP has the one by which
	// [Tables.Table] knows it.
	EntryPoints map[string]string
	// Defaults are the entrypoints, as Table knows them, of routers that name none.
	Defaults []string
	// Refuse says why the server of a service, at "host:port", must not be sent to.
	// Nil means that none is refused.
	Refuse func(c *config.UDPService, address string) error
	// Old holds the tables in force, from which what is unchanged is taken. Nil means
	// none.
	Old *Tables
}

// Route describes one router.
type Route struct {
	Name        string
	Config      *config.UDPRouter
	EntryPoints []string // that it serves, as [Tables.Table] knows them
	Enabled     bool
	Findings    []layer4.Finding
}

// Listen opens sockets for datagrams at "host:port". No host, or "localhost", means
// 127.0.0.1 and, where there is IPv6, ::1.
func Listen(address string) ([]*net.UDPConn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	hosts := []string{host}
	if host == "" || host == "localhost" {
		hosts = []string{"127.0.0.1", "::1"}
	}
	var sockets []*net.UDPConn
	for _, h := range hosts {
		socket, err := net.ListenPacket("udp", net.JoinHostPort(h, port))
		if err != nil && len(sockets) == 0 {
			return nil, err
		}
		if err == nil {
			sockets = append(sockets, socket.(*net.UDPConn))
			_, port, _ = net.SplitHostPort(socket.LocalAddr().String()) // where it was 0
		}
	}
	return sockets, nil
}
