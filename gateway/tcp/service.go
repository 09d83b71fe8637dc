package tcp

import (
	"errors"
	"fmt"
	"reflect"
	"slices"

	"axion/gateway/config"
	"axion/gateway/wrr"
)

// service is a configured service as built, or why it could not be. It has either
// a balancer or children.
type service struct {
	config      config.TCPService // without origin
	transport   *transport
	balancer    *balancer
	children    []*service
	rotation    *wrr.Balancer // over children
	err         error
	doubt, hint string // about a service that works
}

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
		if weightOf(s.config.Weighted.Services[i]) > 0 && c.has(tried) {
			return true
		}
	}
	return false
}

// service builds the service of that name once; what is unchanged is the old
// tables'. It is nil where there is none.
func (b *builder) service(name string) *service {
	if s, ok := b.services[name]; ok {
		if s == nil { // it is being built
			return &service{err: fmt.Errorf("the service %q leads back to itself", name)}
		}
		return s
	}
	c, ok := b.config.Services[name]
	if !ok {
		return nil
	}
	b.services[name] = nil
	s := &service{config: *c}
	s.config.Origin = config.Origin{}
	b.compose(name, s)
	b.refuse(c, s)
	if was := b.old.services[name]; was != nil && was.err == nil && s.err == nil && was.same(s) {
		s = was
	} else if s.err == nil {
		s.err = b.make(name, s)
	}
	b.services[name] = s
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
			s.doubt = "it names a serversTransport, which decides on proxyProtocol and terminationDelay in its stead"
			s.hint = "set them on the serversTransport"
		}
	case c.Weighted != nil:
		for _, child := range c.Weighted.Services {
			b.adopt(s, child.Name)
		}
		if len(s.children) == 0 && s.err == nil {
			s.err = errors.New("weighted.services is empty")
		}
	default:
		s.err = fmt.Errorf("%q has no loadbalancer", name)
	}
}

func (b *builder) adopt(s *service, name string) {
	child := b.service(name)
	switch {
	case s.err != nil:
	case child == nil:
		s.err = &hintError{fmt.Errorf("the service %q does not exist", name), didYouMean(name, b.config.Services)}
	case child.err != nil:
		s.err = fmt.Errorf("the service %q: %w", name, child.err)
	default:
		s.children = append(s.children, child)
	}
}

// make builds what compose has found the parts of.
func (b *builder) make(name string, s *service) error {
	if lb := s.config.LoadBalancer; lb != nil {
		var err error
		s.balancer, err = newBalancer(name, lb, s.transport, b.opts)
		return err
	}
	weights := make([]int, len(s.children))
	for i, c := range s.config.Weighted.Services {
		if weights[i] = weightOf(c); weights[i] < 0 {
			return fmt.Errorf("the weight %d of %q is negative", weights[i], c.Name)
		}
	}
	s.rotation = wrr.New(weights)
	return nil
}

func weightOf(c config.WeightedService) int {
	if c.Weight == nil {
		return 1
	}
	return *c.Weight
}
