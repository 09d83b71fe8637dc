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
		doc := s.current()
		if s.base != nil || s.containers || doc == nil {
			continue
		}
		c.Files += len(s.inputs)
		if doc.project != nil {
			c.Services += doc.project.Services
			c.Labelled += doc.project.Labelled()
		}
		if doc.File != nil {
			c.Settings += doc.File.Len()
		}
	}
	return c
}
