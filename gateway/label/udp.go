package label

import (
	"maps"
	"slices"

	"axion/gateway/config"
)

// udpServices is [decoder.tcpServices] for datagrams.
func (d *decoder) udpServices() bool {
	services := d.tree.UDP.Services
	if len(services) == 0 {
		for _, r := range d.tree.UDP.Routers {
			if r.Service == "" || r.Service == d.defaultName() {
				services = map[string]*udpService{d.defaultName(): {}}
			}
		}
	}
	ok := true
	for _, name := range slices.Sorted(maps.Keys(services)) {
		s := services[name]
		composed := s.UDPService
		composed.Origin = d.origin("udp", "services", name)
		if composed.Weighted != nil {
			if ok = d.composed("udp", name, &composed, s.LoadBalancer != nil) && ok; ok {
				put(&d.set.UDP.Services, name, &composed)
			}
			continue
		}
		port := ""
		if s.LoadBalancer != nil && len(s.LoadBalancer.Servers) > 0 {
			port = s.LoadBalancer.Servers[0].Port
		}
		hosts, err := d.hosts(port, true)
		if err != nil {
			ok = false
			d.refuse("udp", name, err)
			continue
		}
		lb := &config.UDPLoadBalancer{}
		for _, host := range hosts {
			lb.Servers = append(lb.Servers, config.UDPServer{Address: host})
		}
		put(&d.set.UDP.Services, name, &config.UDPService{Origin: composed.Origin, LoadBalancer: lb})
	}
	return ok
}

// udpRouters links the routers of datagrams, which have no rules.
func (d *decoder) udpRouters(complete bool) {
	services := slices.Sorted(maps.Keys(d.set.UDP.Services))
	for _, name := range slices.Sorted(maps.Keys(d.tree.UDP.Routers)) {
		r := d.tree.UDP.Routers[name]
		r.Origin = d.origin("udp", "routers", name)
		r.EntryPoints = filled(r.EntryPoints)
		if complete && !d.link("udp", name, &r.Service, services) {
			continue
		}
		put(&d.set.UDP.Routers, name, r)
	}
}
