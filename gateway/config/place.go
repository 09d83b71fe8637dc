package config

import "strings"

// Scope is what labels of one name belong to: a compose service of a layer. Two
// fragments may each have one of the same name.
type Scope struct {
	Provider string
	Service  string
	Layer    int
}

// Places tells where the labels of one compose service stand. It does not change
// once it has left its provider.
type Places struct {
	File  string            // of the labels that Files does not name
	Lines map[string]int    // by label as written, from 1; missing where unknown
	Files map[string]string // of labels from elsewhere, such as an extended service; may be nil
}

// Of is where a label stands, its case aside; ok tells whether that is known.
func (p *Places) Of(label string) (file string, line int, ok bool) {
	line, ok = p.Lines[label]
	if !ok {
		for written, n := range p.Lines {
			if strings.EqualFold(written, label) {
				label, line, ok = written, n, true
				break
			}
		}
	}
	if file = p.Files[label]; file == "" {
		file = p.File
	}
	return file, line, ok
}

// Place is where a label such as "traefik.http.routers.x.rule" stands that
// belongs to what was read at o. Where that label is unknown, it is o itself.
func (d *Dynamic) Place(label string, o Origin) (file string, line int) {
	file, line = o.File, o.Line
	for _, p := range d.Places[Scope{Provider: o.Provider, Service: o.Service, Layer: o.Layer}] {
		f, l, ok := p.Of(label)
		if ok && f == o.File {
			return f, l
		}
		if ok {
			file, line = f, l
		}
	}
	return file, line
}
