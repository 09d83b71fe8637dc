package entrypoint

import (
	"context"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"axion/gateway/inbound"
	"axion/gateway/listen"
	"axion/gateway/routing"
	"axion/gateway/tcp"
)

// target is what a place serves: an entrypoint of a table.
type target struct {
	table *routing.Table
	entry *routing.EntryPoint
}

// server serves one place for TCP. It lives as long as its listener.
type server struct {
	set           *Set
	target        atomic.Pointer[target]
	port          listen.Interruptible
	mux           *tcp.Mux
	connections   *connLimiter
	splitter      *tlsSplitter // nil where the server does not speak both
	plain, secure *handler     // nil where the server does not speak it
	stopping      atomic.Bool
	started       bool // guarded by the set's mu

	mu         sync.Mutex   // guards what follows
	http3      *http3Server // nil where HTTP/3 is not spoken
	http3Error string       // why it is not although it is wanted
	current    *httpServers
	retired    []*httpServers // that requests are under way with
}

// newServer takes l over.
func (s *Set) newServer(v *target, l net.Listener) *server {
	f := &server{set: s, port: listen.Interrupt(l), connections: newConnLimiter(connLimit(), s.Log.With("entrypoint", v.entry.Name))}
	f.target.Store(v)
	f.mux = f.newMux(limitedListener{f.port, f.connections})
	if v.entry.Plain() {
		f.plain = &handler{set: s}
	}
	if v.entry.Secure() {
		f.secure = &handler{set: s, secure: true}
	}
	if f.plain != nil && f.secure != nil {
		f.splitter = newTLSSplitter(f.mux, f.headTimeout)
	}
	f.current = f.newServers(v.entry)
	f.updateHandlers(v)
	return f
}

// entry is the entrypoint that is there now.
func (f *server) entry() *routing.EntryPoint { return f.target.Load().entry }

// name is that of the entrypoint that is there now.
func (f *server) name() string { return f.entry().Name }

func (f *server) headTimeout() time.Duration { return inbound.HeadTimeout(f.entry().Config) }

// updateHandlers has requests from now on treated as v says. The caller holds f's mu.
func (f *server) updateHandlers(v *target) {
	if f.plain != nil {
		f.plain.settings.Store(&requestSettings{Policy: v.entry.Policy, name: v.entry.Name, index: v.table.Index(v.entry.Name, false)})
	}
	if f.secure == nil {
		return
	}
	m := &requestSettings{Policy: v.entry.Policy, name: v.entry.Name, index: v.table.Index(v.entry.Name, true)}
	if f.http3 != nil {
		m.altSvc = f.http3.altSvc(v.entry.Config.HTTP3)
	}
	f.secure.settings.Store(m)
}

// enableHTTP3 opens the port for HTTP/3 where e wants it and it is not open. That it is
// taken need not stop the entrypoint: HTTP/3 is an offer.
func (f *server) enableHTTP3(e *routing.EntryPoint) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.http3 != nil || !e.WantsHTTP3() {
		return
	}
	q, err := newHTTP3(f.port, f.secure, f.set.Cert.QUICConfig(f.name), e.Config)
	if err != nil {
		if err.Error() != f.http3Error {
			f.set.Log.Warn("HTTP/3 is not served", "entrypoint", e.Name, "error", err)
		}
		f.http3Error = err.Error()
		return
	}
	f.http3, f.http3Error = q, ""
}

// start serves f, unless that was done. The caller holds the set's mu.
func (f *server) start() {
	if f.started {
		return
	}
	f.started = true
	f.set.Log.Debug("entrypoint opened", "entrypoint", f.entry().Name, "address", f.port.Addr())
	if f.splitter != nil {
		f.serve(&f.stopping, f.splitter.run)
	}
	f.startServers(f.current)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.http3 != nil {
		f.startHTTP3(f.http3)
	}
}

// serve serves a side of f in the background. Where that ends by itself the
// gateway does too.
func (f *server) serve(stopping *atomic.Bool, serve func() error) {
	f.set.running.Go(func() {
		if err := serve(); !stopping.Load() && !f.stopping.Load() {
			f.close()
			f.set.Fail(fmt.Errorf("serve entrypoint %s: %w", f.entry().Name, err))
		}
	})
}

// generations are the servers that are not shut down yet, and HTTP/3's, which may be nil.
func (f *server) generations() ([]*httpServers, *http3Server) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append(slices.Clone(f.retired), f.current), f.http3
}

// shutdown stops accepting and waits for requests under way until ctx ends.
func (f *server) shutdown(ctx context.Context) error {
	f.stopping.Store(true)
	_ = f.mux.Close() // first, so that no connection comes after the idle ones are closed
	f.connections.closeIdle()
	var sides errgroup.Group
	generations, quic := f.generations()
	for _, s := range generations {
		sides.Go(func() error { return s.shutdown(ctx) })
	}
	if quic != nil {
		sides.Go(func() error { return quic.shutdown(ctx) })
	}
	err := sides.Wait()
	settle, cancel := context.WithTimeout(ctx, tcpGrace)
	defer cancel()
	_ = f.mux.Shutdown(settle) // connections are cut off where they do not end
	return err
}

// close ends what shutdown left.
func (f *server) close() {
	_ = f.mux.Close()
	generations, quic := f.generations()
	for _, s := range generations {
		s.close()
	}
	if quic != nil {
		quic.close()
	}
}
