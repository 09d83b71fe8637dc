package label

import (
	"fmt"
	"maps"
	"reflect"
	"slices"

	"axion/gateway/config"
)

// tcpServices is [decoder.services] for raw connections. A default service is
// made only where a TCP router needs it.
func (d *decoder) tcpServices() bool {
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
		s := services[name]
		composed := s.TCPService
		composed.Origin = d.origin("tcp", "services", name)
		if len(kindsOf(reflect.ValueOf(composed))) > 0 {
			if ok = d.composed("tcp", name, &composed, s.LoadBalancer != nil) && ok; ok {
				put(&d.set.TCP.Services, name, &composed)
			}
			continue
		}
		if s.LoadBalancer == nil {
			s.LoadBalancer = &tcpBalancer{}
		}
		var one tcpServer
		if len(s.LoadBalancer.Servers) > 0 {
			one = s.LoadBalancer.Servers[0]
		}
		hosts, err := d.hosts(one.Port, false)
		if err != nil {
			ok = false
			d.refuse("tcp", name, err)
			continue
		}
		lb := s.LoadBalancer.TCPLoadBalancer
		for _, host := range hosts {
			lb.Servers = append(lb.Servers, config.TCPServer{Address: host, TLS: one.TLS})
		}
		put(&d.set.TCP.Services, name, &config.TCPService{Origin: composed.Origin, LoadBalancer: &lb})
	}
	return ok
}

// tcpRouters is [decoder.routers] for raw connections, which have no default rule.
func (d *decoder) tcpRouters(complete bool) {
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
		if complete && !d.link("tcp", name, &r.Service, services) {
			continue
		}
		put(&d.set.TCP.Routers, name, r)
	}
}
