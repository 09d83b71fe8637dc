package gateway

import (
	"context"
	"net"
	"strconv"

	"axion/gateway/listen"
	"axion/gateway/selfaddr"
	"axion/gateway/supervision"
)

// Relocate says where a compose service is that runs in this process or in its place, as
// [Options.Addresses] did at first; an empty list is nowhere, nil where its labels say. It
// is in force shortly after. The error is an address that is the stack's own; then nothing
// changes.
func (g *Gateway) Relocate(service string, addresses []string) error {
	if err := g.own.refuse(service, addresses); err != nil {
		return err
	}
	g.provider.Relocate(service, addresses)
	return nil
}

// Supervise replaces what is known of a server whose process the stack supervises: while it
// is not up, requests to it wait for as long as the state says. It is in force at once.
func (g *Gateway) Supervise(state supervision.State) { g.upstreams.Report(state) }

// Drain waits until the requests that were sent to a supervised server have been answered,
// or ctx ends. Connections that became a protocol's own do not count.
func (g *Gateway) Drain(ctx context.Context, address string) { g.upstreams.Drain(ctx, address) }

// AddOwn adds to [Options.Own] where else the stack listens. It is to be called before Start.
func (g *Gateway) AddOwn(name string, at net.Addr) {
	g.applying.Lock()
	defer g.applying.Unlock()
	before := len(g.own.fixed)
	g.own.add(selfaddr.Of(name, at))
	g.own.private = append(g.own.private, g.own.fixed[before:]...)
	g.deps.Private = g.own.private
	g.own.added.Store(true)
}

// EntryPointAt is the entrypoint that the configuration puts at a port: its name, and the
// "host:port" where it is open. Both are empty where there is none.
func (g *Gateway) EntryPointAt(port int) (name, address string) {
	for _, e := range g.table.Load().EntryPoints.All() {
		if open := g.entrypoints.Port(e.Name); e.NominalPort() == port && open != 0 {
			return e.Name, net.JoinHostPort("localhost", strconv.Itoa(open))
		}
	}
	return "", ""
}

// Publisher opens the ports that a compose file publishes of the stack's own parts. It is
// for before Start.
func (g *Gateway) Publisher(f *listen.Flags, l *listen.Listeners, kafka func(net.Listener) error) *listen.Publisher {
	return &listen.Publisher{Flags: f, Listeners: l, EntryPoint: g.EntryPointAt, Own: g.AddOwn, Kafka: kafka}
}

// TrustVariables are those of the environment that have programs trust the local authority:
// of Node, and of OpenSSL, Go and Python's requests where the system keeps its own roots in
// one file, which these look at no more.
func (g *Gateway) TrustVariables() map[string]string {
	variables := map[string]string{"NODE_EXTRA_CA_CERTS": g.cert.RootFile()}
	switch bundle, err := g.cert.BundleFile(); {
	case err != nil:
		g.log.Warn("SSL_CERT_FILE is not set for services", "error", err)
	case bundle != "":
		variables["SSL_CERT_FILE"], variables["REQUESTS_CA_BUNDLE"] = bundle, bundle
	}
	return variables
}
