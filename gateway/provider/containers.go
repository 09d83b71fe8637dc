package provider

import (
	"slices"

	"axion/gateway/label"
	"axion/gateway/provider/compose"
	"axion/gateway/provider/merge"
)

// decodeContainers reads the labels of the containers, if they or the settings of all of
// them changed. It reports whether it did.
func (p *Provider) decodeContainers() bool {
	i := slices.IndexFunc(p.sources, func(s *source) bool { return s.containers })
	if i < 0 {
		return false
	}
	s, settings := p.sources[i], p.containerSettings()
	if !s.reloading && s.latest != nil && s.latest.settings == settings {
		return false
	}
	var before []label.Decoded
	if s.latest != nil {
		before = s.latest.running
	}
	s.reloading = false
	s.version++
	s.latest = &document{Document: &merge.Document{Layer: merge.ContainerLayer, Running: true}, settings: settings, files: map[string]bool{}}
	for _, c := range p.running {
		c.Layer, c.Rules = merge.ContainerLayer, p.loader.Rules
		if !settings.Apply(&c) {
			continue
		}
		d := decodeContainer(c, before)
		s.latest.files[c.File] = true
		s.latest.running = append(s.latest.running, d)
		s.latest.Sets = append(s.latest.Sets, d.Set)
	}
	return true
}

// containerSettings are those of the last project that runs Traefik, else the provider's
// own.
func (p *Provider) containerSettings() compose.Settings {
	settings := compose.Settings{RequireEnable: p.loader.RequireEnable}
	for _, s := range p.sources {
		if doc := s.current(); doc != nil && doc.project != nil && doc.Static != nil && s.layer == merge.FileLayer {
			settings = doc.project.Settings
		}
	}
	return settings
}

// decodeContainer decodes the labels of a container that has changed since before.
func decodeContainer(c label.Service, before []label.Decoded) label.Decoded {
	d := label.Decoded{Service: c}
	for _, was := range before {
		if was.Service.Name == c.Name && was.Service.Project == c.Project && d.Set == nil {
			d.Set = was.Reuse(c)
		}
	}
	if d.Set == nil {
		d.Set = label.Decode(c)
	}
	return d
}
