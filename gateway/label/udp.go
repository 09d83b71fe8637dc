package label

import (
	"maps"
	"slices"

	"axion/gateway/config"
)

// udpDecoder decodes the services and routers of datagrams.
type udpDecoder struct{ *decoder }

// services is [tcpDecoder.services] for datagrams.
func (d udpDecoder) services() bool {
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
		if s := d.service(name, services[name]); s != nil {
			put(&d.set.UDP.Services, name, s)
		} else {
			ok = false
		}
	}
	return ok
}

// service is one with its servers, or nil if it has no address.
func (d udpDecoder) service(name string, s *udpService) *config.UDPService {
	composed := s.UDPService
	composed.Origin = d.origin("udp", "services", name)
	if composed.Weighted != nil {
		if !d.composed("udp", name, &composed, s.LoadBalancer != nil) {
			return nil
		}
		return &composed
	}
	port := ""
	if s.LoadBalancer != nil && len(s.LoadBalancer.Servers) > 0 {
		port = s.LoadBalancer.Servers[0].Port
	}
	hosts, err := d.hosts(port, true)
	if err != nil {
		d.refuse("udp", name, err)
		return nil
	}
	lb := &config.UDPLoadBalancer{}
	for _, host := range hosts {
		lb.Servers = append(lb.Servers, config.UDPServer{Address: host})
	}
	return &config.UDPService{Origin: composed.Origin, LoadBalancer: lb}
}

// routers links the routers of datagrams, which have no rules.
func (d udpDecoder) routers(complete bool) {
	services := slices.Sorted(maps.Keys(d.set.UDP.Services))
	for _, name := range slices.Sorted(maps.Keys(d.tree.UDP.Routers)) {
		r := d.tree.UDP.Routers[name]
		r.Origin = d.origin("udp", "routers", name)
		r.EntryPoints = filled(r.EntryPoints)
		if complete && !d.linkService("udp", name, &r.Service, services) {
			continue
		}
		put(&d.set.UDP.Routers, name, r)
	}
}
