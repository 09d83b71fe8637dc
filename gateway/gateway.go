// Package gateway is the HTTP front of the stack: it reads routers, services
// and middlewares from Traefik's labels, terminates TLS by the local authority,
// and sends each request to the service that its rule names.
//
// A [Gateway] holds one immutable routing table at a time; a changed source
// replaces it in one step, and requests under way finish on the one they began.
package gateway

import (
	"context"
	"crypto/x509"
	"log/slog"
	"net"

	"axion/gateway/config"
	"axion/gateway/provider"
)

// Options of a [Gateway].
type Options struct {
	// Web and WebSecure are the listeners of the entrypoints of these names,
	// plain HTTP and HTTPS. The gateway closes them. Nil leaves one out.
	Web, WebSecure net.Listener
	// Base is the compose document below every file. Empty means none.
	Base []provider.Source
	// Files are compose files, each a layer above the one before.
	Files []string
	// FragmentDir is a watched directory of compose fragments, above the files.
	// Empty means none.
	FragmentDir string
	// Addresses gives the real "host:port" of compose services that run inside
	// this process.
	Addresses map[string][]string
	// CADir holds the local authority's root. Empty means axion/ca in the user's
	// configuration directory.
	CADir string
	// StateDir keeps issued certificates between runs. Empty keeps them in memory.
	StateDir string
	// Log receives reloads, health changes and failed upstreams. Nil discards.
	Log *slog.Logger
}

// Gateway routes requests. Its methods are safe for concurrent use.
type Gateway struct{}

// New reads every source, opens the local authority and builds the first table.
// A source that is no compose file is an error; what is wrong with labels is in
// [Gateway.Problems]. Close must be called also where Start never is.
func New(opts Options) (*Gateway, error) { return &Gateway{}, nil }

// Start serves the listeners and watches the sources. It returns at once.
func (g *Gateway) Start() {}

// Wait returns once the gateway has ended: nil after Close, else why it ended
// by itself.
func (g *Gateway) Wait() error { return nil }

// Close stops accepting, lets requests under way finish until ctx ends, then
// ends the rest, WebSockets included. No goroutine is left.
func (g *Gateway) Close(ctx context.Context) error { return nil }

// Problems lists what is wrong with the sources as they are now.
func (g *Gateway) Problems() []config.Problem { return nil }

// WaitHost returns nil as soon as the table in force has an enabled HTTPS
// router that asks for host, or ctx's error.
func (g *Gateway) WaitHost(ctx context.Context, host string) error { return nil }

// Subscribe calls notify after each change of what Routes or Problems tell, one
// call at a time, until cancel is called. Changes in quick succession may be
// told once.
func (g *Gateway) Subscribe(notify func()) (cancel func()) { return func() {} }

// RootFile is the PEM file of the local authority's root certificate.
func (g *Gateway) RootFile() string { return "" }

// RootPool holds the local authority's root certificate.
func (g *Gateway) RootPool() *x509.CertPool { return nil }

// Routes lists every router of the table in force, disabled ones included,
// sorted in the order in which they are tried.
func (g *Gateway) Routes() []Route { return nil }
