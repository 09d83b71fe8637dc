package merge

import "axion/gateway/config"

// setLayer puts everything that a dynamic file defines into a layer.
func (d *Definitions) setLayer(layer int) {
	setOrigins(layer, d.routers, func(v *config.Router) *config.Origin { return &v.Origin })
	setOrigins(layer, d.services, func(v *config.Service) *config.Origin { return &v.Origin })
	setOrigins(layer, d.middlewares, func(v *config.Middleware) *config.Origin { return &v.Origin })
	setOrigins(layer, d.transports, func(v *config.ServersTransport) *config.Origin { return &v.Origin })
	setOrigins(layer, d.tcp.Routers, func(v *config.TCPRouter) *config.Origin { return &v.Origin })
	setOrigins(layer, d.tcp.Services, func(v *config.TCPService) *config.Origin { return &v.Origin })
	setOrigins(layer, d.tcp.Middlewares, func(v *config.TCPMiddleware) *config.Origin { return &v.Origin })
	setOrigins(layer, d.tcp.ServersTransports, func(v *config.TCPServersTransport) *config.Origin { return &v.Origin })
	setOrigins(layer, d.udp.Routers, func(v *config.UDPRouter) *config.Origin { return &v.Origin })
	setOrigins(layer, d.udp.Services, func(v *config.UDPService) *config.Origin { return &v.Origin })
	setOrigins(layer, d.tls.Options, func(v *config.TLSOptions) *config.Origin { return &v.Origin })
	setOrigins(layer, d.tls.Stores, func(v *config.TLSStore) *config.Origin { return &v.Origin })
	for i := range d.tls.Certificates {
		d.tls.Certificates[i].Origin.Layer = layer
	}
}

func setOrigins[V any](layer int, all map[string]*V, origin func(*V) *config.Origin) {
	for _, v := range all {
		origin(v).Layer = layer
	}
}
