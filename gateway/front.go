package gateway

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

// view is what a place serves: an entrypoint of a table.
type view struct {
	table *routing.Table
	entry *routing.EntryPoint
}

// front serves one place for TCP. It lives as long as its listener.
type front struct {
	view          atomic.Pointer[view]
	port          listen.Interruptible
	mux           *tcp.Mux
	crowd         *crowd
	split         *split // nil where the front does not speak both
	plain, secure *door  // nil where the front does not speak it
	stopping      atomic.Bool
	started       bool // guarded by the gateway's mu

	mu      sync.Mutex // guards what follows
	quic    *quicFront // nil where HTTP/3 is not spoken
	noQUIC  string     // why it is not although it is wanted
	current *servers
	retired []*servers // that requests are under way with
}

// newFront takes l over.
func (g *Gateway) newFront(v *view, l net.Listener) *front {
	f := &front{port: listen.Interrupt(l), crowd: newCrowd(connLimit(), g.log.With("entrypoint", v.entry.Name))}
	f.view.Store(v)
	f.mux = g.newMux(f, crowdListener{f.port, f.crowd})
	if v.entry.Plain() {
		f.plain = &door{gateway: g}
	}
	if v.entry.Secure() {
		f.secure = &door{gateway: g, secure: true}
	}
	if f.plain != nil && f.secure != nil {
		f.split = newSplit(f.mux, f.headTimeout)
	}
	f.current = g.newServers(f, v.entry)
	f.showDoors(v)
	return f
}

// entry is the entrypoint that is there now.
func (f *front) entry() *routing.EntryPoint { return f.view.Load().entry }

// name is that of the entrypoint that is there now.
func (f *front) name() string { return f.entry().Name }

func (f *front) headTimeout() time.Duration { return inbound.HeadTimeout(f.entry().Config) }

// showDoors has requests from now on treated as v says. The caller holds f's mu.
func (f *front) showDoors(v *view) {
	if f.plain != nil {
		f.plain.manner.Store(&manner{Policy: v.entry.Policy, name: v.entry.Name, index: v.table.Index(v.entry.Name, false)})
	}
	if f.secure == nil {
		return
	}
	m := &manner{Policy: v.entry.Policy, name: v.entry.Name, index: v.table.Index(v.entry.Name, true)}
	if f.quic != nil {
		m.alternative = f.quic.alternative(v.entry.Config.HTTP3)
	}
	f.secure.manner.Store(m)
}

// offerQUIC opens the port for HTTP/3 where e wants it and it is not open. That it is
// taken need not stop the entrypoint: HTTP/3 is an offer.
func (f *front) offerQUIC(g *Gateway, e *routing.EntryPoint) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.quic != nil || !e.WantsHTTP3() {
		return
	}
	q, err := newQUIC(f.port, f.secure, g.cert.QUICConfig(f.name), e.Config)
	if err != nil {
		if err.Error() != f.noQUIC {
			g.log.Warn("HTTP/3 is not served", "entrypoint", e.Name, "error", err)
		}
		f.noQUIC = err.Error()
		return
	}
	f.quic, f.noQUIC = q, ""
}

// start serves f, unless that was done. The caller holds the gateway's mu.
func (g *Gateway) start(f *front) {
	if f.started {
		return
	}
	f.started = true
	g.log.Debug("entrypoint opened", "entrypoint", f.entry().Name, "address", f.port.Addr())
	if f.split != nil {
		g.runSide(f, &f.stopping, f.split.run)
	}
	g.startServers(f, f.current)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.quic != nil {
		g.startQUIC(f, f.quic)
	}
}

// runSide serves a side of f in the background. Where that ends by itself the
// gateway does too.
func (g *Gateway) runSide(f *front, stopping *atomic.Bool, serve func() error) {
	g.running.Go(func() {
		if err := serve(); !stopping.Load() && !f.stopping.Load() {
			f.close()
			g.end(fmt.Errorf("serve entrypoint %s: %w", f.entry().Name, err))
		}
	})
}

// generations are the servers that are not shut down yet, and HTTP/3's, which may be nil.
func (f *front) generations() ([]*servers, *quicFront) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append(slices.Clone(f.retired), f.current), f.quic
}

// shutdown stops accepting and waits for requests under way until ctx ends.
func (f *front) shutdown(ctx context.Context) error {
	f.stopping.Store(true)
	_ = f.mux.Close() // first, so that no connection comes after the silent ones
	f.crowd.closeSilent()
	var sides errgroup.Group
	generations, quic := f.generations()
	for _, s := range generations {
		sides.Go(func() error { return s.shutdown(ctx) })
	}
	if quic != nil {
		sides.Go(func() error { return quic.shutdown(ctx) })
	}
	err := sides.Wait()
	settle, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	_ = f.mux.Shutdown(settle) // connections are cut off where they do not end
	return err
}

// close ends what shutdown left.
func (f *front) close() {
	_ = f.mux.Close()
	generations, quic := f.generations()
	for _, s := range generations {
		s.close()
	}
	if quic != nil {
		quic.close()
	}
}
