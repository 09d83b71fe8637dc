package provider

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"reflect"

	"axion/gateway/config"
	"axion/gateway/dynamic"
	"axion/gateway/label"
	"axion/gateway/provider/compose"
	"axion/gateway/provider/merge"
	"axion/gateway/provider/watched"
)

// loader reads sources.
type loader struct {
	compose.Reader
	ctx context.Context // ends the templates of dynamic files
}

// document is what one version of a source says.
type document struct {
	*merge.Document
	project *compose.Project // nil where the source is none
	files   map[string]bool  // what its problems call its files

	settings compose.Settings // that of containers met
	running  []label.Decoded  // of containers
}

// source is a compose project, a dynamic file or the containers, with its
// versions: the one read last, and the one in force, which is older where the
// last one is refused.
type source struct {
	name       string   // as shown: that of its first file
	roots      []string // absolute; none for a base layer and containers
	base       *Source  // of a base layer
	layer      int
	dir        string // of the project
	shownDir   string // as shown
	from       string // where it was found; empty if the user named it
	dynamic    bool   // a file of Traefik's dynamic configuration
	containers bool
	temporary  bool           // withdrawn once its file is gone: from a directory
	inputs     map[string]int // files it was read from, by path, and their versions
	texts      []fileText     // those files, as they were
	latest     *document      // nil where fault is set
	fault      *config.Problem
	good       *document // in force; nil where there is none
	errorFree  bool      // good has no errors
	version    int       // counts what was read
	reloading  bool      // another source changed that it depends on

	reported        []config.Problem
	reportedVersion int
}

// current is the version that was read last and could be; nil for none.
func (s *source) current() *document {
	if s.latest != nil {
		return s.latest
	}
	return s.good
}

// stale reports whether a file that the source was read from has changed.
func (s *source) stale(files *watched.Files) bool {
	if s.version == 0 || s.reloading {
		return true
	}
	for path, version := range s.inputs {
		if in := files.Known(path); in == nil || in.Version != version {
			return true
		}
	}
	return false
}

// load reads the source from its files as they are now.
func (s *source) load(l *loader, files *watched.Files) {
	s.version++
	s.reloading = false
	s.inputs = map[string]int{}
	doc, problem := s.read(l, func(path string) *watched.File {
		if _, known := s.inputs[path]; !known && len(s.inputs) >= compose.MaxFiles {
			return nil
		}
		in := files.Open(path)
		s.inputs[path] = in.Version
		return in
	})
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

func (s *source) read(l *loader, open func(path string) *watched.File) (*document, *config.Problem) {
	for _, path := range s.roots {
		if in := open(path); in == nil {
			return nil, &config.Problem{Severity: config.Error, File: s.show(path),
				Message: fmt.Sprintf("the project is made of more than %d files", compose.MaxFiles)}
		} else if in.Err != nil {
			return nil, s.unreadable(in)
		}
	}
	if s.dynamic {
		return s.readDynamic(l, open(s.roots[0]))
	}
	src := compose.Source{Paths: s.roots, Dir: s.dir, Layer: s.layer, Open: open, Show: s.show}
	if s.base != nil {
		src.Base = s.base.Data
	}
	if before := s.current(); before != nil {
		src.Before = before.project
	}
	project, problem := l.Read(src)
	if problem != nil {
		return nil, problem
	}
	return &document{Document: &project.Document, project: project}, nil
}

// unreadable says why a file of the user's cannot be read.
func (s *source) unreadable(in *watched.File) *config.Problem {
	p := &config.Problem{Severity: config.Error, File: s.show(in.Path), Message: "the file cannot be read: " + in.Reason()}
	switch {
	case !errors.Is(in.Err, fs.ErrNotExist):
	case s.latest == nil && s.good == nil && (s.fault == nil || s.fault.Message == noSuchFile):
		p.Message, p.Fix = noSuchFile, "check the name"
	default:
		p.Message, p.Fix = "the file is gone", "save it again; to do without its routes, write services: {} into it"
	}
	return p
}

const noSuchFile = "there is no such file"

func (s *source) readDynamic(l *loader, in *watched.File) (*document, *config.Problem) {
	set, problems := dynamic.Read(l.ctx, s.name, in.Data, l.Env)
	defined := merge.OfFile(set, s.layer)
	if s.latest != nil && reflect.DeepEqual(s.latest.File, defined) {
		defined = s.latest.File
	}
	return &document{Document: &merge.Document{Layer: s.layer, File: defined, Problems: problems}}, nil
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
	return &source{name: shown, roots: []string{path}, dir: filepath.Dir(path), shownDir: filepath.Dir(shown), layer: merge.FileLayer,
		from: from, dynamic: true}
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
