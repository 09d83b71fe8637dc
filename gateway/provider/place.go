package provider

import "axion/gateway/config"

// place gives all that a dynamic file defines its layer.
func (p *piece) place(layer int) {
	set(layer, p.routers, func(v *config.Router) *config.Origin { return &v.Origin })
	set(layer, p.services, func(v *config.Service) *config.Origin { return &v.Origin })
	set(layer, p.middlewares, func(v *config.Middleware) *config.Origin { return &v.Origin })
	set(layer, p.transports, func(v *config.ServersTransport) *config.Origin { return &v.Origin })
	set(layer, p.tcp.Routers, func(v *config.TCPRouter) *config.Origin { return &v.Origin })
	set(layer, p.tcp.Services, func(v *config.TCPService) *config.Origin { return &v.Origin })
	set(layer, p.tcp.Middlewares, func(v *config.TCPMiddleware) *config.Origin { return &v.Origin })
	set(layer, p.tcp.ServersTransports, func(v *config.TCPServersTransport) *config.Origin { return &v.Origin })
	set(layer, p.udp.Routers, func(v *config.UDPRouter) *config.Origin { return &v.Origin })
	set(layer, p.udp.Services, func(v *config.UDPService) *config.Origin { return &v.Origin })
	set(layer, p.tls.Options, func(v *config.TLSOptions) *config.Origin { return &v.Origin })
	set(layer, p.tls.Stores, func(v *config.TLSStore) *config.Origin { return &v.Origin })
	for i := range p.tls.Certificates {
		p.tls.Certificates[i].Origin.Layer = layer
	}
}

func set[V any](layer int, all map[string]*V, origin func(*V) *config.Origin) {
	for _, v := range all {
		origin(v).Layer = layer
	}
}
