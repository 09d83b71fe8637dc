package provider

// Count is how much there is in the user's sources.
type Count struct {
	Files    int // read: compose files with those they refer to, and dynamic files
	Services int // of compose projects
	Labelled int // of those, with a label of Traefik's
	Settings int // routers, services and middlewares of dynamic files
}

// Count counts what the sources above the base layer hold, whether it is sound or not.
func (p *Provider) Count() Count {
	var c Count
	for _, s := range p.sources {
		doc := s.latest
		if doc == nil {
			doc = s.good
		}
		if s.base != nil || s.containers || doc == nil {
			continue
		}
		c.Files += len(s.inputs)
		c.Services += doc.services
		for _, d := range doc.decoded {
			if hasTraefik(d.in.Labels) {
				c.Labelled++
			}
		}
		c.Labelled += len(doc.unserved)
		if f := doc.file; f != nil {
			c.Settings += len(f.routers) + len(f.services) + len(f.middlewares) + len(f.transports) + len(f.tls.Certificates) + len(f.tls.Options) +
				len(f.tls.Stores) + len(f.tcp.Routers) + len(f.tcp.Services) + len(f.udp.Routers) + len(f.udp.Services)
		}
	}
	return c
}
