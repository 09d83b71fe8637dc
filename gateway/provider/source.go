package provider

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"reflect"

	"axion/gateway/config"
	"axion/gateway/dynamic"
)

// The layers, of which a higher one wins at equal priority.
const (
	baseLayer      = 0
	fileLayer      = 1 // the user's project, and dynamic files
	containerLayer = 2
	fragmentLayer  = 3
)

// source is a compose project, a dynamic file or the containers, with its
// versions: the one read last, and the one in force, which is older where the
// last one is refused.
type source struct {
	name       string   // as shown: that of its first file
	roots      []string // absolute; none for a base layer and containers
	base       *Source  // a base layer
	layer      int
	dir        string // of the project
	shownDir   string // as shown
	from       string // where it was found; empty if the user named it
	dynamic    bool   // a file of Traefik's dynamic configuration
	containers bool
	fleeting   bool           // withdrawn once its file is gone: from a directory
	inputs     map[string]int // files it was read from, by path, and their versions
	texts      []readText     // those files, as they were
	latest     *document      // nil where fault is set
	fault      *config.Problem
	good       *document // in force; nil where there is none
	clean      bool      // good has no errors
	version    int       // counts what was read
	reloading  bool      // another source changed that it depends on

	told        []config.Problem
	toldVersion int
}

// stale reports whether a file that the source was read from has changed.
func (s *source) stale(inputs map[string]*input) bool {
	if s.version == 0 || s.reloading {
		return true
	}
	for path, version := range s.inputs {
		if in := inputs[path]; in == nil || in.version != version {
			return true
		}
	}
	return false
}

// take loads the source from its files as they are now.
func (s *source) take(l *loader, open func(path string) *input) {
	s.version++
	s.reloading = false
	s.inputs = map[string]int{}
	note := func(path string) *input {
		if _, known := s.inputs[path]; !known && len(s.inputs) >= maxFiles {
			return nil
		}
		in := open(path)
		s.inputs[path] = in.version
		return in
	}
	doc, problem := s.load(l, note)
	if problem != nil {
		s.latest, s.fault = nil, problem
		return
	}
	doc.files = map[string]bool{s.name: true}
	for path := range s.inputs {
		doc.files[s.show(path)], doc.files[path] = true, true // Traefik's own file is called by its path
	}
	s.latest, s.fault = doc, nil
}

func (s *source) load(l *loader, open func(path string) *input) (*document, *config.Problem) {
	for _, path := range s.roots {
		if in := open(path); in == nil {
			return nil, &config.Problem{Severity: config.Error, File: s.show(path),
				Message: fmt.Sprintf("the project is made of more than %d files", maxFiles)}
		} else if in.err != nil {
			return nil, s.unreadable(path, in.err)
		}
	}
	if s.dynamic {
		return s.loadDynamic(l, open(s.roots[0]))
	}
	p := &project{loader: l, layer: s.layer, dir: s.dir, look: l.lookup, before: s.latest}
	if p.before == nil {
		p.before = s.good
	}
	p.assembly = &assembly{open: open, show: s.show}
	if s.base != nil {
		out, problem := parseOutline(s.base.Name, s.base.Data)
		if problem != nil {
			return nil, problem
		}
		p.files = []content{{path: filepath.Join(s.dir, s.base.Name), data: s.base.Data, out: out}}
		p.all = model{}
		p.outline(p.all, out, s.base.Name, s.dir, p.look, nil)
	} else {
		p.look = p.variables(p.look, filepath.Join(s.dir, ".env"), true, spot{})
		for _, path := range s.roots {
			if out := p.read(path, spot{file: s.show(path)}); out != nil {
				p.files = append(p.files, content{path: path, data: open(path).data, out: out})
			}
		}
		p.all = p.assembly.files(s.roots, s.dir, p.look, spot{}, nil)
	}
	if p.problem != nil {
		return nil, p.problem
	}
	p.name = projectName(p.files, s.dir, p.look)
	return p.load()
}

// unreadable says why a file of the user's cannot be had.
func (s *source) unreadable(path string, err error) *config.Problem {
	p := &config.Problem{Severity: config.Error, File: s.show(path), Message: "the file cannot be read: " + reason(err)}
	switch {
	case !errors.Is(err, fs.ErrNotExist):
	case s.latest == nil && s.good == nil && (s.fault == nil || s.fault.Message == noSuchFile):
		p.Message, p.Fix = noSuchFile, "check the name"
	default:
		p.Message, p.Fix = "the file is gone", "save it again; to do without its routes, write services: {} into it"
	}
	return p
}

const noSuchFile = "there is no such file"

func (s *source) loadDynamic(l *loader, in *input) (*document, *config.Problem) {
	set, problems := dynamic.Read(l.ctx, s.name, in.data, l.lookup)
	p := &piece{
		provider: fileProvider, routers: set.Routers, services: set.Services, middlewares: set.Middlewares,
		transports: set.ServersTransports, tcp: set.TCP, udp: set.UDP, tls: set.TLS, places: set.Places,
	}
	p.place(s.layer)
	if s.latest != nil && reflect.DeepEqual(s.latest.file, p) {
		p = s.latest.file
	}
	return &document{layer: s.layer, file: p, problems: problems}, nil
}

// show is how a file is called towards the user: as seen from where the user
// named the project.
func (s *source) show(path string) string {
	if s.base != nil {
		return s.base.Name
	}
	rel, err := filepath.Rel(s.dir, path)
	if err != nil {
		return path
	}
	return filepath.Join(s.shownDir, rel)
}

// path is the first file, or the name if it has none.
func (s *source) path() string {
	if len(s.roots) == 0 {
		return s.name
	}
	return s.roots[0]
}

// newDynamic is the source of a file of Traefik's dynamic configuration.
func newDynamic(path, shown, from string) *source {
	return &source{name: shown, roots: []string{path}, dir: filepath.Dir(path), shownDir: filepath.Dir(shown), layer: fileLayer, from: from,
		dynamic: true}
}

// newProject is the source of a compose project of these files.
func newProject(names []string, layer int) (*source, error) {
	s := &source{name: names[0], layer: layer, shownDir: filepath.Dir(names[0])}
	for _, name := range names {
		abs, err := filepath.Abs(name)
		if err != nil {
			return nil, fmt.Errorf("locate %s: %w", name, err)
		}
		s.roots = append(s.roots, abs)
	}
	s.dir = filepath.Dir(s.roots[0])
	return s, nil
}
