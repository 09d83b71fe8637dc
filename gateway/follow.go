package gateway

import (
	"fmt"
	"reflect"

	"axion/gateway/config"
	"axion/gateway/tcp"
)

// follow takes over what may change while the entrypoint is open: whom it trusts and
// how long it waits for bodies. It returns what is wrong, and what has to wait.
func (f *front) follow(e *entrypoint, static *config.Static) []config.Problem {
	if static == nil {
		static = &config.Static{}
	}
	problem := func(severity config.Severity, what, hint string) []config.Problem {
		return []config.Problem{static.Problem(e.config.Origin, severity, fmt.Sprintf("entrypoint %q: %s", e.name, what), hint)}
	}
	peers, err := tcp.NewPeers(e.config.ProxyProtocol)
	if err != nil {
		return problem(config.Error, err.Error(), mend(err))
	}
	f.peers.Store(peers)
	for _, d := range f.doors {
		d.follow(e)
	}
	if !reflect.DeepEqual(limitsOf(f.entry.config), limitsOf(e.config)) {
		return problem(config.Notice, "its new limits and its HTTP/3 count from the next start on", "start again")
	}
	return nil
}

// limitsOf are the settings that an open entrypoint keeps.
func limitsOf(c *config.EntryPoint) []any {
	return []any{timeoutsOf(c).IdleTimeout, c.HTTP.MaxHeaderBytes, c.HTTP2, c.HTTP3}
}
