package tcp

import (
	"fmt"
	"reflect"
	"slices"

	"axion/gateway/config"
	"axion/gateway/layer4"
	"axion/gateway/wrr"
)

// service is a configured service as built, or why it could not be. It has either
// a balancer or children.
type service struct {
	config        config.TCPService // without origin
	transport     *transport
	balancer      *balancer
	children      []*service
	rotation      *wrr.Balancer // over children
	err           error
	warning, hint string // about a service that works
}

// Failure is why the service could not be built.
func (s *service) Failure() error { return s.err }

// pick is a server whose turn it is, of those that are up and not in tried; nil
// where there is none.
func (s *service) pick(tried []*server) *server {
	if s.balancer != nil {
		return s.balancer.pick(tried)
	}
	i := s.rotation.Next(func(i int) bool { return s.children[i].has(tried) })
	if i < 0 {
		return nil
	}
	return s.children[i].pick(tried)
}

// has reports whether pick would find a server.
func (s *service) has(tried []*server) bool {
	if s.balancer != nil {
		return slices.ContainsFunc(s.balancer.servers, func(at *server) bool { return at.usable(tried) })
	}
	for i, c := range s.children {
		if layer4.WeightOf(s.config.Weighted.Services[i]) > 0 && c.has(tried) {
			return true
		}
	}
	return false
}

// buildService builds the service of a name; what is unchanged is the old tables'.
func (b *builder) buildService(name string, c *config.TCPService) *service {
	s := &service{config: *c}
	s.config.Origin = config.Origin{}
	b.compose(name, s)
	b.refuse(c, s)
	if was := b.old.services[name]; was != nil && was.err == nil && s.err == nil && was.same(s) {
		return was
	}
	if lb := s.config.LoadBalancer; lb != nil && s.err == nil {
		s.balancer, s.err = newBalancer(name, lb, s.transport, b.opts)
	}
	return s
}

// refuse looks for servers that must not be connected to.
func (b *builder) refuse(c *config.TCPService, s *service) {
	if c.LoadBalancer == nil || b.opts.Refuse == nil {
		return
	}
	for _, at := range c.LoadBalancer.Servers {
		if s.err == nil {
			s.err = b.opts.Refuse(c, at.Address)
		}
	}
}

func (s *service) same(t *service) bool {
	return s.transport == t.transport && slices.Equal(s.children, t.children) && reflect.DeepEqual(s.config, t.config)
}

// compose finds the parts of s.
func (b *builder) compose(name string, s *service) {
	switch c := s.config; {
	case c.LoadBalancer != nil:
		s.transport = b.transport(c.LoadBalancer.ServersTransport)
		s.err = s.transport.err
		if c.LoadBalancer.ServersTransport != "" && (c.LoadBalancer.ProxyProtocol != nil || c.LoadBalancer.TerminationDelay != nil) {
			s.warning = "it names a serversTransport, which decides on proxyProtocol and terminationDelay in its stead"
			s.hint = "set them on the serversTransport"
		}
	case c.Weighted != nil:
		s.children, s.rotation, s.err = b.known.Weighted(c.Weighted)
	default:
		s.err = fmt.Errorf("%q has no loadbalancer", name)
	}
}
