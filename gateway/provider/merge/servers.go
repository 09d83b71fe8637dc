package merge

import (
	"reflect"
	"slices"

	"axion/gateway/config"
)

// mergeServers gives a the servers of b as well, if the rest is the same.
func mergeServers(a, b *config.Service) *config.Service {
	if a.LoadBalancer == nil || b.LoadBalancer == nil || !slices.Equal(a.Middlewares, b.Middlewares) {
		return nil
	}
	x, y := *a.LoadBalancer, *b.LoadBalancer
	servers := union(x.Servers, y.Servers)
	if x.Servers, y.Servers = nil, nil; !reflect.DeepEqual(x, y) {
		return nil
	}
	x.Servers = servers
	return &config.Service{Origin: a.Origin, Middlewares: a.Middlewares, LoadBalancer: &x}
}

// mergeTCPServers is mergeServers for raw connections.
func mergeTCPServers(a, b *config.TCPService) *config.TCPService {
	if a.LoadBalancer == nil || b.LoadBalancer == nil {
		return nil
	}
	x, y := *a.LoadBalancer, *b.LoadBalancer
	servers := union(x.Servers, y.Servers)
	if x.Servers, y.Servers = nil, nil; !reflect.DeepEqual(x, y) {
		return nil
	}
	x.Servers = servers
	return &config.TCPService{Origin: a.Origin, LoadBalancer: &x}
}

// mergeUDPServers is mergeServers for datagrams.
func mergeUDPServers(a, b *config.UDPService) *config.UDPService {
	if a.LoadBalancer == nil || b.LoadBalancer == nil {
		return nil
	}
	servers := union(a.LoadBalancer.Servers, b.LoadBalancer.Servers)
	return &config.UDPService{Origin: a.Origin, LoadBalancer: &config.UDPLoadBalancer{Servers: servers}}
}

func union[T any](a, b []T) []T {
	all := slices.Clone(a)
	for _, s := range b {
		if !slices.ContainsFunc(all, func(have T) bool { return reflect.DeepEqual(have, s) }) {
			all = append(all, s)
		}
	}
	return all
}
