package config

import "strings"

// Scope is what labels of one name belong to: a compose service of a layer, or all
// dynamic files. Two fragments may each have one of the same name.
type Scope struct {
	Provider string
	Service  string
	Layer    int
}

// LabelLocations says where the labels of one compose service stand, or the settings of
// one dynamic file by their paths. It does not change once it has left its provider.
type LabelLocations struct {
	File  string            // of the labels that Files does not name
	Lines map[string]int    // by label as written, from 1; missing where unknown
	Files map[string]string // of labels from elsewhere, such as an extended service; may be nil
}

// Find returns where a label stands, its case aside; ok says whether that is known.
func (p *LabelLocations) Find(label string) (file string, line int, ok bool) {
	label, ok = p.written(label)
	if file = p.Files[label]; file == "" {
		file = p.File
	}
	return file, p.Lines[label], ok
}

// written is a label in the case in which it was written.
func (p *LabelLocations) written(label string) (string, bool) {
	if _, ok := p.Lines[label]; ok {
		return label, true
	}
	for written := range p.Lines {
		if strings.EqualFold(written, label) {
			return written, true
		}
	}
	return label, false
}

// files is the provider of Traefik's dynamic configuration files.
const files = "file"

// Setting is how the author of what was read at o writes a setting such as
// "http.routers.x.rule": by a label, or by that path in a dynamic file.
func (o Origin) Setting(path string) string {
	if o.Provider == files {
		return path
	}
	return "the label traefik." + path
}

// Assign is how the author of what was read at o gives a setting a value that
// switches it on or names something.
func (o Origin) Assign(path, value string) string {
	if o.Provider != files {
		return o.Setting(path) + "=" + value
	}
	if value == "true" && strings.HasSuffix(path, ".tls") {
		value = "{}"
	}
	return path + ": " + value
}

// Problem is a finding about a setting, such as "http.routers.x.rule", of what was
// read at o: with the label and where it stands, or for a dynamic file with the path
// as it is written there.
func (d *Dynamic) Problem(severity Severity, o Origin, path, message, hint string) Problem {
	message = InWords(message)
	p := Problem{Severity: severity, Service: o.Service, Message: message, Fix: hint}
	if o.Provider != files {
		p.Label = "traefik." + path
		p.File, p.Line = d.Locate(p.Label, o)
		return p
	}
	p.File, p.Line = o.File, o.Line
	for _, at := range d.Locations[Scope{Provider: o.Provider, Service: o.Service, Layer: o.Layer}] {
		if at.File == o.File {
			path, p.Line = at.path(path, o.Line)
			break
		}
	}
	p.Message = path + ": " + message
	return p
}

// Within finds the setting of that name, such as "sourcerange", that stands somewhere
// below a path, of what was read at o. ok says whether there is one.
func (d *Dynamic) Within(o Origin, path, name string) (found string, ok bool) {
	prefix := ""
	if o.Provider != files {
		prefix = "traefik."
	}
	above := strings.ToLower(prefix + path + ".")
	below := strings.ToLower("." + name)
	for _, at := range d.Locations[Scope{Provider: o.Provider, Service: o.Service, Layer: o.Layer}] {
		for written := range at.Lines {
			if lower := strings.ToLower(written); strings.HasPrefix(lower, above) && strings.HasSuffix(lower, below) {
				return written[len(prefix):], true
			}
		}
	}
	return path, false
}

// path is a path as it is written, and its line: where it is not there, that of the
// nearest setting around it.
func (p *LabelLocations) path(path string, line int) (string, int) {
	for end := len(path); end > 0; end = strings.LastIndexByte(path[:end], '.') {
		if written, ok := p.written(path[:end]); ok {
			return written + path[end:], p.Lines[written]
		}
	}
	return path, line
}

// Locate returns where a label such as "traefik.http.routers.x.rule" stands that
// belongs to what was read at o. Where that label is unknown, it is o itself.
func (d *Dynamic) Locate(label string, o Origin) (file string, line int) {
	file, line = o.File, o.Line
	for _, p := range d.Locations[Scope{Provider: o.Provider, Service: o.Service, Layer: o.Layer}] {
		f, l, ok := p.Find(label)
		if ok && f == o.File {
			return f, l
		}
		if ok {
			file, line = f, l
		}
	}
	return file, line
}
