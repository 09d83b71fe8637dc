package tcp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"axion/gateway/tunnel"
)

// errNotPostgres says that a server does not speak TLS in PostgreSQL's way.
var errNotPostgres = errors.New("the server does not accept PostgreSQL's request for TLS")

// serve sends a connection where its route says, and returns once it has ended.
func (m *Mux) serve(r *route, c *conn, s clientHello) {
	defer func() { _ = c.Close() }()
	defer context.AfterFunc(m.serving, func() { _ = c.Conn.Close() })()
	client := addressOf(c.RemoteAddr())
	for _, w := range r.middlewares {
		if !w.gate.enter(client) {
			m.opts.Log.Debug("connection refused by a middleware", "router", r.name, "client", client)
			return
		}
		defer w.gate.leave(client)
	}
	if err := m.connect(r, c, s); err != nil && m.serving.Err() == nil {
		m.opts.Log.Warn("connection failed", "router", r.name, "service", r.config.Service, "error", err)
	}
}

// connect makes the tunnel. An error is the server's side's.
func (m *Mux) connect(r *route, c *conn, s clientHello) error {
	var client net.Conn = c
	passthrough := s.tls && r.config.TLS.Passthrough
	if s.tls && !passthrough {
		var err error
		if client, err = m.terminate(r, c, s); err != nil {
			m.opts.Log.Debug("TLS handshake failed", "router", r.name, "client", c.RemoteAddr(), "error", err)
			return nil
		}
	}
	server, way, err := r.service.dial(m.serving, c)
	if err != nil {
		return err
	}
	defer context.AfterFunc(m.serving, func() { _ = server.Close() })()
	if passthrough && s.postgres {
		if err := requestTLS(server); err != nil {
			_ = server.Close()
			return err
		}
	}
	tunnel.Run(client, server, way.delay)
	return nil
}

// terminate ends TLS here.
func (m *Mux) terminate(r *route, c *conn, s clientHello) (net.Conn, error) {
	config, err := m.opts.TLS(s.name, r.config.TLS.Options)
	if err != nil {
		return nil, err
	}
	if len(config.NextProtos) == 0 && len(s.alpn) == 1 {
		config = config.Clone()
		config.NextProtos = s.alpn
	}
	ctx, cancel := context.WithTimeout(m.serving, peekTimeout)
	defer cancel()
	client := tls.Server(c, config)
	return client, client.HandshakeContext(ctx)
}

// requestTLS agrees on TLS with a PostgreSQL server, as was done with the client.
func requestTLS(server net.Conn) error {
	_ = server.SetDeadline(time.Now().Add(peekTimeout))
	if _, err := server.Write(sslRequest); err != nil {
		return err
	}
	var answer [1]byte
	if _, err := io.ReadFull(server, answer[:]); err != nil {
		return fmt.Errorf("%w: %w", errNotPostgres, err)
	}
	if answer[0] != sslAccepted[0] {
		return errNotPostgres
	}
	return server.SetDeadline(time.Time{})
}
