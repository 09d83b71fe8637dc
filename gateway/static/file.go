package static

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"axion/gateway/config"
	"axion/gateway/dynamic/document"
	"axion/gateway/regular"
)

// staticFile is a static configuration file.
type staticFile struct {
	name string // on this machine
	data []byte
}

// defaults are where Traefik looks for its static file in a container.
var defaults = []string{"/etc/traefik/traefik.toml", "/etc/traefik/traefik.yaml", "/etc/traefik/traefik.yml"}

// file is the one that the flags name, or one in a place where Traefik looks by
// itself, or nil.
func (r *reader) file(flags []setting) *staticFile {
	for _, s := range flags {
		if !s.namesFile() {
			continue
		}
		host, ok := r.host(s.value, configFile, "the static configuration file")
		if !ok {
			break
		}
		f, err := open(host)
		if err == nil {
			return f
		}
		r.problem(config.Error, s.line, fmt.Sprintf("the static configuration file %s cannot be read: %s", host, reason(err)), "")
	}
	if r.Path == nil {
		return nil // this machine's own are none of ours
	}
	for _, at := range defaults {
		if host, ok := r.Path(at); ok {
			f, err := open(host)
			if err == nil {
				return f
			}
			if !errors.Is(err, fs.ErrNotExist) {
				r.problem(config.Error, 0, fmt.Sprintf("the static configuration file %s cannot be read: %s", host, reason(err)), "")
			}
		}
	}
	return nil
}

// open reads a regular file of bounded size.
func open(name string) (*staticFile, error) {
	data, err := regular.Read(name, document.MaxBytes)
	return &staticFile{name: name, data: data}, err
}

// reason is an error without the file's name, which stands before it.
func reason(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}

// fromFile decodes the static file.
func (r *reader) fromFile(f *staticFile) {
	r.origin = config.Origin{Provider: "file", File: f.name}
	root, problem := document.Parse(f.name, f.data)
	if problem != nil {
		r.problems = append(r.problems, *problem)
		return
	}
	r.prune(root, nil)
	problems := document.Decode(f.name, root, &r.tree)
	r.problems = append(r.problems, problems...)
}

// prune takes out what is not to be decoded, and tells why.
func (r *reader) prune(n *document.Node, path []string) {
	if n.Kind != document.Mapping {
		return
	}
	for _, c := range n.Children {
		at := append(path[:len(path):len(path)], c.Name)
		s := setting{path: at, text: strings.Join(at, "."), line: c.Line, value: c.Value}
		f := classify(at)
		r.locate(at, c.Line)
		switch {
		case c.Kind != document.Scalar && (f.verdict == section || f.verdict == unfollowed && f.listed.alone):
			r.prune(c, at)
			n.Remove(c)
		case f.verdict == unfollowed && r.pruneAbsent(c, at):
			n.Remove(c)
		case f.verdict != known:
			r.accept(f, s)
			n.Remove(c)
		case c.Kind == document.Mapping:
			had := len(c.Children)
			if r.prune(c, at); had > 0 && len(c.Children) == 0 && !f.empty {
				n.Remove(c) // what was in it is told
			}
		case c.Kind == document.Scalar && !r.accept(f, s):
			n.Remove(c)
		case c.Kind == document.Scalar && f.entry:
			c.Kind, c.Value = document.Mapping, "" // a name alone, as Traefik takes it
		}
	}
}

// pruneAbsent takes out of what is not followed what Traefik does not even have, and
// tells it. It reports whether that leaves nothing.
func (r *reader) pruneAbsent(n *document.Node, path []string) bool {
	if n.Kind != document.Mapping || len(n.Children) == 0 {
		return false
	}
	for _, c := range n.Children {
		at := append(path[:len(path):len(path)], c.Name)
		if f := classify(at); f.absent != nil {
			r.unknown(f, setting{path: at, text: strings.Join(at, "."), line: c.Line, value: c.Value})
			n.Remove(c)
		} else if r.pruneAbsent(c, at) {
			n.Remove(c)
		}
	}
	return len(n.Children) == 0
}
