package entrypoint

import (
	"reflect"
	"slices"
	"time"

	"axion/gateway/config"
	"axion/gateway/inbound"
	"axion/gateway/routing"
)

// update has f show v: to requests from now on, and where limits changed that a server
// keeps, to connections from now on. The caller holds the set's mu.
func (f *server) update(v *target) {
	was := f.target.Swap(v).entry.Config
	f.mu.Lock()
	defer f.mu.Unlock()
	renew := !reflect.DeepEqual(limitsOf(was), limitsOf(v.entry.Config))
	if renew {
		f.renewServers(v.entry)
	}
	f.updateHTTP3(v.entry, renew)
	f.updateHandlers(v)
}

// renewServers gives f servers with e's limits. The caller holds f's mu.
func (f *server) renewServers(e *routing.EntryPoint) {
	old := f.current
	f.current = f.newServers(e)
	if !f.started {
		return
	}
	f.startServers(f.current)
	f.retired = append(f.retired, old)
	f.set.running.Go(func() {
		old.retire(f.set.Context)
		f.mu.Lock()
		defer f.mu.Unlock()
		f.retired = slices.DeleteFunc(f.retired, func(s *httpServers) bool { return s == old })
	})
}

// updateHTTP3 serves HTTP/3 where that was opened, ends it, or has it go on with e's
// limits. The caller holds f's mu.
func (f *server) updateHTTP3(e *routing.EntryPoint, renew bool) {
	switch q := f.http3; {
	case q == nil:
	case !q.started:
		if f.started {
			f.startHTTP3(q)
		}
	case !e.WantsHTTP3():
		f.http3 = nil
		f.set.running.Go(func() { _ = q.shutdown(f.set.Context) })
	case renew:
		if err := f.renewHTTP3(q, e); err != nil {
			f.set.Log.Warn("HTTP/3 goes on with its old limits", "entrypoint", e.Name, "error", err)
		}
	}
}

// limitsOf are the settings that a server keeps.
func limitsOf(c *config.EntryPoint) []any {
	return []any{inbound.HeadTimeout(c), inbound.IdleTimeout(c), c.HTTP.MaxHeaderBytes, c.HTTP2}
}

// graceOf is how long requests under way may go on where the entrypoint closes.
func graceOf(c *config.EntryPoint, unset time.Duration) time.Duration {
	if c.Transport != nil && c.Transport.LifeCycle != nil && c.Transport.LifeCycle.GraceTimeOut != nil {
		return max(time.Duration(*c.Transport.LifeCycle.GraceTimeOut), 0)
	}
	return unset
}
