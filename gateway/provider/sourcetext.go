package provider

import (
	"axion/gateway/provider/watched"
	"path/filepath"
	"slices"
	"strings"
)

// fileText is a file of the configuration as it was read last.
type fileText struct {
	path  string // empty for a base layer
	shown string
	data  []byte
}

// Text gives the files of the configuration that problems and origins call name, as
// they were read last: several base layers may have one name. They must not be changed.
// Files that only give variables are not among them.
func (p *Provider) Text(name string) [][]byte {
	var found [][]byte
	lists := p.texts.Load()
	if lists == nil {
		return nil
	}
	for _, list := range *lists {
		for _, t := range list {
			switch {
			case t.path == "" && t.shown == name:
				found = append(found, t.data)
			case t.path == name || t.shown == name: // Traefik's own file is called by its path
				return [][]byte{t.data}
			}
		}
	}
	return found
}

// publishTexts is called where files do not change.
func (p *Provider) publishTexts() {
	lists := make([][]fileText, len(p.sources))
	for i, s := range p.sources {
		lists[i] = s.texts
	}
	p.texts.Store(&lists)
}

// readTexts are the files that the source was read from.
func (s *source) readTexts(files *watched.Files) []fileText {
	var list []fileText
	if s.base != nil {
		list = append(list, fileText{shown: s.name, data: s.base.Data})
	}
	for path := range s.inputs {
		in := files.Known(path)
		if in == nil || in.Data == nil || !slices.Contains([]string{".yaml", ".yml", ".toml"}, strings.ToLower(filepath.Ext(path))) {
			continue
		}
		list = append(list, fileText{path, s.show(path), in.Data})
	}
	return list
}
