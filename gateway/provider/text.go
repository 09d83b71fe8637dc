package provider

import (
	"path/filepath"
	"slices"
	"strings"
)

// readTexts are the files of the configuration as they were read last, by the names that
// problems and origins give them. Several base layers may have one name.
type readTexts map[string][][]byte

// Text gives the files of the configuration that problems and origins call name, as
// they were read last. They must not be changed. Files that only give variables are
// not among them.
func (p *Provider) Text(name string) [][]byte {
	if t := p.texts.Load(); t != nil {
		return (*t)[name]
	}
	return nil
}

// publishTexts is called where inputs do not change.
func (p *Provider) publishTexts() {
	t := readTexts{}
	for _, s := range p.sources {
		if s.base != nil {
			t[s.name] = append(t[s.name], s.base.Data)
		}
		for path := range s.inputs {
			in := p.inputs[path]
			if in == nil || in.data == nil || !slices.Contains([]string{".yaml", ".yml", ".toml"}, strings.ToLower(filepath.Ext(path))) {
				continue
			}
			t[path] = [][]byte{in.data} // Traefik's own file is called by its path
			t[s.show(path)] = t[path]
		}
	}
	p.texts.Store(&t)
}
