package udp

import (
	"errors"
	"reflect"
	"slices"

	"axion/gateway/config"
	"axion/gateway/layer4"
	"axion/gateway/wrr"
)

// service is a configured service as built, or why it could not be: addresses of
// servers, or children.
type service struct {
	config   config.UDPService // without origin
	servers  []string
	children []*service
	rotation *wrr.Balancer // over either
	err      error
}

// Failure is why the service could not be built.
func (s *service) Failure() error { return s.err }

// pick is the address of the server whose turn it is, of those not in tried; empty
// where there is none.
func (s *service) pick(tried []string) string {
	i := s.rotation.Next(func(i int) bool {
		if s.children == nil {
			return !slices.Contains(tried, s.servers[i])
		}
		return s.children[i].has(tried)
	})
	switch {
	case i < 0:
		return ""
	case s.children == nil:
		return s.servers[i]
	}
	return s.children[i].pick(tried)
}

// has reports whether pick would find a server.
func (s *service) has(tried []string) bool {
	if s.children == nil {
		return slices.ContainsFunc(s.servers, func(a string) bool { return !slices.Contains(tried, a) })
	}
	for i, c := range s.children {
		if layer4.WeightOf(s.config.Weighted.Services[i]) > 0 && c.has(tried) {
			return true
		}
	}
	return false
}

// buildService builds the service of a name; what is unchanged is the old tables'.
func (b *builder) buildService(name string, c *config.UDPService) *service {
	s := &service{config: *c}
	s.config.Origin = config.Origin{}
	s.err = b.compose(s)
	if c.LoadBalancer != nil && b.opts.Refuse != nil {
		for _, at := range s.servers {
			if s.err == nil {
				s.err = b.opts.Refuse(c, at)
			}
		}
	}
	if was := b.old.services[name]; was != nil && was.err == nil && s.err == nil &&
		slices.Equal(was.children, s.children) && reflect.DeepEqual(was.config, s.config) {
		return was
	}
	return s
}

// compose finds the parts of s.
func (b *builder) compose(s *service) (err error) {
	switch c := s.config; {
	case c.LoadBalancer != nil:
		for _, at := range c.LoadBalancer.Servers {
			if err := layer4.CheckAddress(at.Address, "127.0.0.1:53"); err != nil {
				return err
			}
			s.servers = append(s.servers, at.Address)
		}
		s.rotation = wrr.New(slices.Repeat([]int{1}, len(s.servers)))
	case c.Weighted != nil:
		s.children, s.rotation, err = b.known.Weighted(c.Weighted)
	default:
		err = errors.New("it has no loadbalancer")
	}
	return err
}
