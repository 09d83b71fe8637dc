package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"axion/gateway/config"
	"axion/gateway/proxy"
)

// service is a configured service as built, or why it could not be.
type service struct {
	proxy.Service                // behind its middlewares
	bare          proxy.Service  // without them; nil for the gateway's own services
	wares         []*ware        // outermost first, those of chains included
	config        config.Service // without origin
	children      []*service
	transport     *transport
	err           error
}

// transport is a servers' transport as built.
type transport struct {
	*proxy.Transport
	config config.ServersTransport // without origin
	err    error
}

// describe tells the servers' states.
func (s *service) describe() []Server {
	list := []Server{}
	if s.Service == nil {
		return list
	}
	for _, at := range s.Servers() {
		list = append(list, Server{URL: hideURL(at.URL), Status: status(at.Up), Checked: at.Checked})
	}
	return list
}

func status(up bool) string {
	if up {
		return "UP"
	}
	return "DOWN"
}

// service builds the service of that name once; what is unchanged is the old
// table's, so that the health of servers outlives a reload. It is nil where no
// service has that name.
func (b *builder) service(name string) *service {
	if s, ok := b.services[name]; ok {
		if s == nil { // it is being built: it leads back to itself
			return &service{err: fmt.Errorf("the service %q leads back to itself", name)}
		}
		return s
	}
	c, ok := b.dynamic.Services[name]
	if !ok {
		return b.internal(name)
	}
	if was := b.sameService(name, c); was != nil {
		b.services[name] = was
		return was
	}
	b.services[name] = nil
	s := &service{config: *c}
	s.config.Origin = config.Origin{}
	b.compose(name, s)
	if s.err == nil {
		s.err = b.refuseServers(c)
	}
	b.dressService(name, s, c.Origin)
	if s.err == nil {
		s = b.realize(name, s)
	}
	b.services[name] = s
	return s
}

// realize makes what s needs, or takes it from the old table.
func (b *builder) realize(name string, s *service) *service {
	was := b.old.services[name]
	switch {
	case was.same(s) && slices.Equal(was.wares, s.wares):
		return was
	case was.same(s):
		s.bare = was.bare
	default:
		made, err := b.make(name, s)
		if err != nil {
			s.err = err // made is not kept: it may be an interface around a nil pointer
			return s
		}
		s.bare = made
	}
	s.Service = behind(s.wares, s.bare)
	return s
}

// internal is a service of the gateway's own.
func (b *builder) internal(name string) *service {
	own := strings.TrimSuffix(name, internalSuffix)
	h, ok := b.gateway.internals[own]
	if !ok || !strings.HasSuffix(name, internalSuffix) {
		return nil
	}
	if api := b.dynamic.Static.API; api != nil {
		if own == "dashboard" && !dashboard(api) {
			return nil
		}
		if own == "api" || own == "dashboard" {
			h = below(api.BasePath, h)
		}
	}
	s := &service{Service: internalService{h}}
	b.services[name] = s
	return s
}

// same reports whether t, middlewares aside, would be made again what s is.
func (s *service) same(t *service) bool {
	if s == nil || s.err != nil || s.bare == nil {
		return false
	}
	x, y := s.config, t.config
	x.Middlewares, y.Middlewares = nil, nil
	return s.transport == t.transport && slices.Equal(s.children, t.children) && reflect.DeepEqual(x, y)
}

// compose finds what s is made of.
func (b *builder) compose(name string, s *service) {
	c := s.config
	var names []string
	switch {
	case c.LoadBalancer != nil:
		s.transport = b.transport(c.LoadBalancer.ServersTransport)
		if s.transport.err != nil {
			s.err = s.transport.err
		}
	case c.Weighted != nil:
		names = namesOf(c.Weighted.Services)
	case c.HighestRandomWeight != nil:
		names = namesOf(c.HighestRandomWeight.Services)
	case c.Mirroring != nil:
		names = []string{c.Mirroring.Service}
		for _, m := range c.Mirroring.Mirrors {
			names = append(names, m.Name)
		}
	case c.Failover != nil:
		names = []string{c.Failover.Service, c.Failover.Fallback}
	default:
		s.err = errors.New("has no loadbalancer")
	}
	for _, n := range names {
		child := b.service(n)
		switch {
		case child == nil:
			s.err = &mended{error: fmt.Errorf("the service %q does not exist", n), hint: b.meantService(n)}
			return
		case child.err != nil:
			s.err = fmt.Errorf("the service %q: %w", n, child.err)
			return
		}
		s.children = append(s.children, child)
	}
}

func namesOf(list []config.WeightedService) []string {
	var names []string
	for _, s := range list {
		names = append(names, s.Name)
	}
	return names
}

// make builds what compose has found the parts of.
func (b *builder) make(name string, s *service) (proxy.Service, error) {
	var parts []proxy.Service
	for _, c := range s.children {
		part := c.Service
		if b.dry {
			part = internalService{} // nothing is to report to what is only looked at
		}
		parts = append(parts, part)
	}
	c := s.config
	switch {
	case c.LoadBalancer != nil:
		made, err := b.proxy.Balancer(name, c.LoadBalancer, s.transport.Transport)
		if err != nil {
			return nil, err
		}
		return b.gateway.restrict(c.LoadBalancer, made), nil
	case c.Weighted != nil:
		return proxy.NewWeighted(name, c.Weighted, parts)
	case c.HighestRandomWeight != nil:
		return proxy.NewHRW(name, c.HighestRandomWeight, parts)
	case c.Mirroring != nil:
		return proxy.NewMirroring(name, c.Mirroring, parts[0], parts[1:], b.gateway.log)
	}
	return proxy.NewFailover(name, c.Failover, parts[0], parts[1])
}

// transport builds the servers' transport of that name; the default one's is empty.
func (b *builder) transport(name string) *transport {
	if t, ok := b.transports[name]; ok {
		return t
	}
	c, ok := b.dynamic.ServersTransports[name]
	switch {
	case name == "" && b.dynamic.Static.ServersTransport != nil:
		c = b.dynamic.Static.ServersTransport
	case name == "":
		c = &config.ServersTransport{}
	case !ok:
		return &transport{err: &mended{error: fmt.Errorf("the serversTransport %q does not exist", name), hint: didYouMean(name,
			b.dynamic.ServersTransports)}}
	}
	t := &transport{config: *c}
	t.config.Origin = config.Origin{}
	if was := b.old.transports[name]; was != nil && was.err == nil && reflect.DeepEqual(was.config, t.config) {
		t = was
	} else {
		t.Transport, t.err = b.proxy.Transport(&t.config)
	}
	b.transports[name] = t
	return t
}

// mended is an error that brings its remedy along, and the label at fault where it
// is known.
type mended struct {
	error
	hint, label string
}

func (m *mended) Unwrap() error { return m.error }

// Mend is the hint shown with the error.
func (m *mended) Mend() string { return m.hint }

// internal reports whether the gateway itself answers.
func (s *service) internal() bool {
	_, ok := s.Service.(internalService)
	return ok
}

// internalService has no servers: the gateway answers.
type internalService struct{ http.Handler }

var _ proxy.Service = internalService{}

func (internalService) Up() bool                     { return true }
func (internalService) OnChange(func(up bool))       {}
func (internalService) ProbeSoon()                   {}
func (internalService) AwaitUp(context.Context) bool { return true }
func (internalService) Servers() []proxy.Status      { return nil }
func (internalService) Close()                       {}
