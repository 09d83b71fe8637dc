// Package layer4 holds what building the tables of TCP and of UDP have in common: how
// services are found by their names, and what is wrong with routers.
package layer4

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"

	"axion/gateway/config"
	"axion/gateway/hint"
	"axion/gateway/wrr"
)

// Finding is what is wrong or doubtful with one router. A router with a finding of
// severity [config.Error] is disabled.
type Finding struct {
	Router   string
	Severity config.Severity
	Field    string // of the router, such as "tls.options"
	Message  string
	Hint     string // how to fix it, may be empty
}

// Findings are those of one router.
type Findings []Finding

// Refused reports whether one of them disables the router.
func (f Findings) Refused() bool {
	return slices.ContainsFunc(f, func(f Finding) bool { return f.Severity == config.Error })
}

// Service is one as built, which may have failed.
type Service interface {
	comparable
	Failure() error
}

// Services builds the services of one protocol by their names, each once.
type Services[C any, S Service] struct {
	Configs map[string]*C
	Built   map[string]S
	// Build makes the service of a name, or one that has failed.
	Build func(name string, c *C) S
	// Failed makes one that has failed.
	Failed func(error) S
}

// Get is the service of a name; the zero value where there is none.
func (b *Services[C, S]) Get(name string) S {
	var none S
	if s, ok := b.Built[name]; ok {
		if s == none { // it is being built
			return b.Failed(fmt.Errorf("the service %q leads back to itself", name))
		}
		return s
	}
	c, ok := b.Configs[name]
	if !ok {
		return none
	}
	b.Built[name] = none
	s := b.Build(name, c)
	b.Built[name] = s
	return s
}

// ForRouter is the service that a router names, or an error with a hint. origin and field
// are those of the router's setting.
func (b *Services[C, S]) ForRouter(name string, origin config.Origin, field string) (S, error) {
	var none S
	s := b.Get(name)
	switch {
	case name == "":
		return none, hint.With(errors.New("the router has no service"), "add "+origin.Setting(field))
	case s == none:
		return none, hint.With(fmt.Errorf("service %q does not exist", name), config.DidYouMean(name, b.Configs))
	case s.Failure() != nil:
		return none, fmt.Errorf("service %q: %w", name, s.Failure())
	}
	return s, nil
}

// Weighted gives the children of a weighted service, and their rotation.
func (b *Services[C, S]) Weighted(c *config.TCPWeighted) ([]S, *wrr.Balancer, error) {
	var none S
	var children []S
	var weights []int
	for _, at := range c.Services {
		child := b.Get(at.Name)
		switch {
		case child == none:
			return nil, nil, hint.With(fmt.Errorf("the service %q does not exist", at.Name), config.DidYouMean(at.Name, b.Configs))
		case child.Failure() != nil:
			return nil, nil, fmt.Errorf("the service %q: %w", at.Name, child.Failure())
		case WeightOf(at) < 0:
			return nil, nil, fmt.Errorf("the weight %d of %q is negative", WeightOf(at), at.Name)
		}
		children, weights = append(children, child), append(weights, WeightOf(at))
	}
	if len(children) == 0 {
		return nil, nil, errors.New("weighted.services is empty")
	}
	return children, wrr.New(weights), nil
}

// WeightOf is the weight of a part of a service: 1 where none is set.
func WeightOf(c config.WeightedService) int {
	if c.Weight == nil {
		return 1
	}
	return *c.Weight
}

// CheckAddress refuses what is not "host:port", such as the example.
func CheckAddress(address, example string) error {
	host, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil || host == "" {
		return hint.With(fmt.Errorf("the server address %q is not host:port", address), "write one such as "+example)
	}
	return nil
}
