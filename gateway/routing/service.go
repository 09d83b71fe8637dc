package routing

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

// Service is a configured service as built, or why it could not be.
type Service struct {
	proxy.Service                // behind its middlewares
	unwrapped     proxy.Service  // without them; nil for the gateway's own services
	Middlewares   []*Middleware  // outermost first, those of chains included
	Config        config.Service // without origin
	children      []*Service
	transport     *transport
	Err           error
}

// transport is a servers' transport as built.
type transport struct {
	*proxy.Transport
	config config.ServersTransport // without origin
	err    error
}

// service builds the service of that name once; what is unchanged is the old
// table's, so that the health of servers outlives a reload. It is nil where no
// service has that name.
func (b *serviceBuilder) service(name string) *Service {
	if s, ok := b.Services[name]; ok {
		if s == nil { // it is being built: it leads back to itself
			return &Service{Err: fmt.Errorf("the service %q leads back to itself", name)}
		}
		return s
	}
	c, ok := b.Dynamic.Services[name]
	if !ok {
		return b.internal(name)
	}
	if was := b.reusableService(name, c); was != nil {
		b.Services[name] = was
		return was
	}
	b.Services[name] = nil
	s := &Service{Config: *c}
	s.Config.Origin = config.Origin{}
	b.resolveChildren(s)
	if s.Err == nil {
		s.Err = b.refuseServers(c)
	}
	b.addServiceMiddlewares(name, s, c.Origin)
	if s.Err == nil {
		s = b.realize(name, s)
	}
	b.Services[name] = s
	return s
}

// realize makes what s needs, or takes it from the old table.
func (b *serviceBuilder) realize(name string, s *Service) *Service {
	was := b.old.Services[name]
	switch {
	case was.equal(s) && slices.Equal(was.Middlewares, s.Middlewares):
		return was
	case was.equal(s):
		s.unwrapped = was.unwrapped
	default:
		made, err := b.makeService(name, s)
		if err != nil {
			s.Err = err // made is not kept: it may be an interface around a nil pointer
			return s
		}
		s.unwrapped = made
	}
	s.Service = wrapService(s.Middlewares, s.unwrapped)
	return s
}

// internal is a service of the gateway's own.
func (b *serviceBuilder) internal(name string) *Service {
	own := strings.TrimSuffix(name, InternalSuffix)
	h, ok := b.deps.Internals[own]
	if !ok || !strings.HasSuffix(name, InternalSuffix) {
		return nil
	}
	if api := b.Dynamic.Static.API; api != nil {
		if own == "dashboard" && !HasDashboard(api) {
			return nil
		}
		if own == "api" || own == "dashboard" {
			h = belowPath(api.BasePath, h)
		}
	}
	s := &Service{Service: internalService{h}}
	b.Services[name] = s
	return s
}

// equal reports whether t, middlewares aside, would be made again what s is.
func (s *Service) equal(t *Service) bool {
	if s == nil || s.Err != nil || s.unwrapped == nil {
		return false
	}
	x, y := s.Config, t.Config
	x.Middlewares, y.Middlewares = nil, nil
	return s.transport == t.transport && slices.Equal(s.children, t.children) && reflect.DeepEqual(x, y)
}

// resolveChildren finds what s is made of.
func (b *serviceBuilder) resolveChildren(s *Service) {
	c := s.Config
	var names []string
	switch {
	case c.LoadBalancer != nil:
		s.transport = b.transport(c.LoadBalancer.ServersTransport)
		if s.transport.err != nil {
			s.Err = s.transport.err
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
		s.Err = errors.New("has no loadbalancer")
	}
	for _, n := range names {
		child := b.service(n)
		switch {
		case child == nil:
			s.Err = &hintError{error: fmt.Errorf("the service %q does not exist", n), hint: b.meantService(n)}
			return
		case child.Err != nil:
			s.Err = fmt.Errorf("the service %q: %w", n, child.Err)
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

// makeService builds what compose has found the parts of.
func (b *serviceBuilder) makeService(name string, s *Service) (proxy.Service, error) {
	var parts []proxy.Service
	for _, c := range s.children {
		part := c.Service
		if b.dry {
			part = internalService{} // nothing is to report to what is only looked at
		}
		parts = append(parts, part)
	}
	c := s.Config
	switch {
	case c.LoadBalancer != nil:
		made, err := b.deps.Proxy.Balancer(name, c.LoadBalancer, s.transport.Transport)
		if err != nil {
			return nil, err
		}
		return b.restrict(c.LoadBalancer, made), nil
	case c.Weighted != nil:
		return proxy.NewWeighted(name, c.Weighted, parts)
	case c.HighestRandomWeight != nil:
		return proxy.NewHRW(name, c.HighestRandomWeight, parts)
	case c.Mirroring != nil:
		return proxy.NewMirroring(name, c.Mirroring, parts[0], parts[1:], b.deps.Log)
	}
	return proxy.NewFailover(name, c.Failover, parts[0], parts[1])
}

// transport builds the servers' transport of that name; the default one's is empty.
func (b *serviceBuilder) transport(name string) *transport {
	if t, ok := b.transports[name]; ok {
		return t
	}
	c, ok := b.Dynamic.ServersTransports[name]
	switch {
	case name == "" && b.Dynamic.Static.ServersTransport != nil:
		c = b.Dynamic.Static.ServersTransport
	case name == "":
		c = &config.ServersTransport{}
	case !ok:
		return &transport{err: &hintError{error: fmt.Errorf("the serversTransport %q does not exist", name), hint: config.DidYouMean(name,
			b.Dynamic.ServersTransports)}}
	}
	t := &transport{config: *c}
	t.config.Origin = config.Origin{}
	if was := b.old.transports[name]; was != nil && was.err == nil && reflect.DeepEqual(was.config, t.config) {
		t = was
	} else {
		t.Transport, t.err = b.deps.Proxy.Transport(&t.config)
	}
	b.transports[name] = t
	return t
}

// hintError is an error that brings its remedy along, and the label at fault where it
// is known.
type hintError struct {
	error
	hint, label string
}

func (m *hintError) Unwrap() error { return m.error }

// Hint is the hint shown with the error.
func (m *hintError) Hint() string { return m.hint }

// IsInternal reports whether the gateway itself answers.
func (s *Service) IsInternal() bool {
	_, ok := s.Service.(internalService)
	return ok
}

// internalService has no servers: the gateway answers.
type internalService struct{ http.Handler }

var _ proxy.Service = internalService{}

func (internalService) Up() bool                     { return true }
func (internalService) OnChange(func(bool)) func()   { return func() {} }
func (internalService) ProbeSoon()                   {}
func (internalService) AwaitUp(context.Context) bool { return true }
func (internalService) Servers() []proxy.Status      { return nil }
func (internalService) Close()                       {}
