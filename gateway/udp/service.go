package udp

import (
	"errors"
	"fmt"
	"net"
	"reflect"
	"slices"
	"strconv"

	"axion/gateway/config"
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
	if s.err = b.make(s); c.LoadBalancer != nil && b.opts.Refuse != nil {
		for _, at := range s.servers {
			if s.err == nil {
				s.err = b.opts.Refuse(c, at)
			}
		}
	}
	if was := b.old.services[name]; was != nil && was.err == nil && s.err == nil &&
		slices.Equal(was.children, s.children) && reflect.DeepEqual(was.config, s.config) {
		s = was
	}
	b.services[name] = s
	return s
}

func (b *builder) make(s *service) error {
	var weights []int
	switch c := s.config; {
	case c.LoadBalancer != nil:
		for _, at := range c.LoadBalancer.Servers {
			if err := checkAddress(at.Address); err != nil {
				return err
			}
			s.servers, weights = append(s.servers, at.Address), append(weights, 1)
		}
	case c.Weighted != nil:
		for _, at := range c.Weighted.Services {
			child := b.service(at.Name)
			switch {
			case child == nil:
				return fmt.Errorf("the service %q does not exist", at.Name)
			case child.err != nil:
				return fmt.Errorf("the service %q: %w", at.Name, child.err)
			case weightOf(at) < 0:
				return fmt.Errorf("the weight %d of %q is negative", weightOf(at), at.Name)
			}
			s.children, weights = append(s.children, child), append(weights, weightOf(at))
		}
		if len(s.children) == 0 {
			return errors.New("weighted.services is empty")
		}
	default:
		return errors.New("it has no loadbalancer")
	}
	s.rotation = wrr.New(weights)
	return nil
}

func checkAddress(address string) error {
	host, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil || host == "" {
		return fmt.Errorf("the server address %q is not host:port, such as 127.0.0.1:53", address)
	}
	return nil
}

func weightOf(c config.WeightedService) int {
	if c.Weight == nil {
		return 1
	}
	return *c.Weight
}
