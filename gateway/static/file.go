package static

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"axion/gateway/config"
	"axion/gateway/dynamic/document"
	"axion/gateway/regular"
)

// staticFile is a static configuration file.
type staticFile struct {
	name  string // on this machine
	place string // in the container
	data  []byte
}

// places are where Traefik looks for its static file, in its order (pkg/cli/loader_file.go).
// A variable that is not set leaves nothing: /traefik.yml is one of them.
func (r *reader) places() []string {
	var list []string
	for _, base := range []string{"/etc/traefik/traefik", "$XDG_CONFIG_HOME/traefik", "$HOME/.config/traefik", "./traefik"} {
		for _, ending := range []string{".toml", ".yaml", ".yml"} {
			if place := r.inside(os.Expand(base+ending, r.variable)); !slices.Contains(list, place) {
				list = append(list, place)
			}
		}
	}
	return list
}

// variable is the value of an environment variable of the container. HOME has the
// user's home by the /etc/passwd of Traefik's image, or / where it is not there.
func (r *reader) variable(name string) string {
	value, ok := r.Env[name]
	if ok || name != "HOME" {
		return value
	}
	switch user, _, _ := strings.Cut(r.User, ":"); user {
	case "", "0", "root":
		return "/root"
	}
	return "/"
}

// inside is an absolute path in the container.
func (r *reader) inside(name string) string {
	if path.IsAbs(name) {
		return path.Clean(name)
	}
	return path.Join("/", r.WorkingDir, name)
}

// file is the one that the last flag for it names, or else the first that is in a place
// where Traefik looks by itself, or nil. Traefik does not go on to another where it
// cannot read the one that it found.
func (r *reader) file(flags []setting) *staticFile {
	for _, s := range slices.Backward(flags) {
		if s.namesFile() && strings.TrimSpace(s.value) != "" {
			return r.named(s)
		}
		if s.namesFile() {
			break
		}
	}
	if r.Path == nil {
		return nil // this machine's own are none of ours
	}
	for _, place := range r.places() {
		if f := r.content(place); f != nil {
			return f
		}
		host, ok := r.Path(place)
		if !ok {
			continue
		}
		data, err := regular.Read(host, document.MaxBytes)
		if err == nil {
			return &staticFile{host, place, data}
		}
		if !errors.Is(err, fs.ErrNotExist) {
			r.unreadable(host, 0, err)
			return nil
		}
	}
	return nil
}

// named is the file of a flag, in which Traefik puts variables.
func (r *reader) named(s setting) *staticFile {
	name := s.value
	if r.Path != nil {
		name = r.inside(os.Expand(name, r.variable))
	}
	if !slices.Contains([]string{".toml", ".yaml", ".yml", ".json"}, strings.ToLower(path.Ext(name))) {
		r.problem(config.Error, s.line, fmt.Sprintf("the static configuration file %s has none of the endings that Traefik reads, "+
			"and it does not start with it", name), "call it .yml, .yaml, .toml or .json")
		return nil
	}
	if f := r.content(name); f != nil {
		return f
	}
	host, ok := r.host(name, s.line, "the static configuration file")
	if !ok {
		return nil
	}
	data, err := regular.Read(host, document.MaxBytes)
	if err != nil {
		r.unreadable(host, s.line, err)
		return nil
	}
	return &staticFile{host, name, data}
}

// content is the file that the compose file itself holds for a place, or nil. Its lines
// are counted as there.
func (r *reader) content(place string) *staticFile {
	if r.Content == nil {
		return nil
	}
	c, ok := r.Content(place)
	if !ok {
		return nil
	}
	return &staticFile{c.File, place, []byte(strings.Repeat("\n", max(c.Line-1, 0)) + c.Text)}
}

func (r *reader) unreadable(host string, line int, err error) {
	r.problem(config.Error, line, fmt.Sprintf("the static configuration file %s cannot be read: %s", host, reason(err)), "")
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
	root, problem := document.Parse(f.place, f.data) // its ending there tells its form
	if problem != nil {
		problem.File = f.name
		r.problems = append(r.problems, *problem)
		return
	}
	r.prune(root, nil)
	r.problems = append(r.problems, document.DecodeRest(f.name, root, &r.tree)...)
}

// prune takes out what is not to be decoded, and tells why.
func (r *reader) prune(n *document.Node, path []string) {
	if n.Kind != document.Mapping {
		return
	}
	for _, c := range n.Children {
		at := append(path[:len(path):len(path)], c.Name)
		s := setting{path: at, text: strings.Join(at, "."), line: c.Line, value: c.Value}
		// Of a file Traefik takes its own sections only.
		s.passed = len(path) == 0 && !slices.Contains(append(sectionNames(), refused), strings.ToLower(c.Name))
		f := classify(at)
		r.locate(at, c.Line)
		switch {
		case c.Kind == document.Mapping && len(c.Children) == 0 && f.verdict == section:
			r.accept(f, s)
			n.Remove(c)
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
