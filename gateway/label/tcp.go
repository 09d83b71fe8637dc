package label

import (
	"fmt"
	"maps"
	"reflect"
	"slices"

	"axion/gateway/config"
)

// tcpDecoder decodes the services and routers of raw connections.
type tcpDecoder struct{ *decoder }

// services is [httpDecoder.services] for raw connections. A default service is
// made only where a TCP router needs it.
func (d tcpDecoder) services() bool {
	services := d.tree.TCP.Services
	if len(services) == 0 {
		for _, r := range d.tree.TCP.Routers {
			if r.Service == "" || r.Service == d.defaultName() {
				services = map[string]*tcpService{d.defaultName(): {}}
			}
		}
	}
	ok := true
	for _, name := range slices.Sorted(maps.Keys(services)) {
		if s := d.service(name, services[name]); s != nil {
			put(&d.set.TCP.Services, name, s)
		} else {
			ok = false
		}
	}
	return ok
}

// service is one with its servers, or nil if it has no address.
func (d tcpDecoder) service(name string, s *tcpService) *config.TCPService {
	composed := s.TCPService
	composed.Origin = d.origin("tcp", "services", name)
	if len(kindsOf(reflect.ValueOf(composed))) > 0 {
		if !d.composed("tcp", name, &composed, s.LoadBalancer != nil) {
			return nil
		}
		return &composed
	}
	var server tcpServer
	var lb config.TCPLoadBalancer
	if s.LoadBalancer != nil {
		lb = s.LoadBalancer.TCPLoadBalancer
		if len(s.LoadBalancer.Servers) > 0 {
			server = s.LoadBalancer.Servers[0]
		}
	}
	hosts, err := d.hosts(server.Port, false)
	if err != nil {
		d.refuse("tcp", name, err)
		return nil
	}
	for _, host := range hosts {
		lb.Servers = append(lb.Servers, config.TCPServer{Address: host, TLS: server.TLS})
	}
	return &config.TCPService{Origin: composed.Origin, LoadBalancer: &lb}
}

// routers is [httpDecoder.routers] for raw connections, which have no default rule.
func (d tcpDecoder) routers(complete bool) {
	services := slices.Sorted(maps.Keys(d.set.TCP.Services))
	for _, name := range slices.Sorted(maps.Keys(d.tree.TCP.Routers)) {
		r := d.tree.TCP.Routers[name]
		r.Origin = d.origin("tcp", "routers", name)
		r.EntryPoints, r.Middlewares = filled(r.EntryPoints), filled(r.Middlewares)
		if !d.syntax("tcp", name, r.RuleSyntax) {
			continue
		}
		if r.Rule == "" {
			d.problem(config.Error, d.labelOf("tcp", "routers", name), fmt.Sprintf("the TCP router %q has no rule", name),
				fmt.Sprintf("add the label traefik.tcp.routers.%s.rule, such as HostSNI(`*`)", name))
			continue
		}
		if complete && !d.linkService("tcp", name, &r.Service, services) {
			continue
		}
		put(&d.set.TCP.Routers, name, r)
	}
}
