// Package compose reads the services of compose projects, as compose itself does, and
// their labels; and the settings of a Traefik that a project runs.
package compose

import (
	"maps"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"axion/gateway/config"
	"axion/gateway/label"
	"axion/gateway/provider/merge"
	"axion/gateway/provider/watched"
	"axion/gateway/rule"
)

// Reader reads projects. It is safe for concurrent use while its fields do not change.
type Reader struct {
	// Env resolves ${VAR}.
	Env Lookup
	// Addresses gives the real "host:port" of services that run inside this process, in
	// place of what their ports say. One of the base layer with an empty list is nowhere.
	Addresses map[string][]string
	// RequireEnable is Traefik's exposedByDefault=false.
	RequireEnable bool
	// Rules keeps the rules of labels that are parsed. Nil keeps none.
	Rules *rule.Cache
	// DataDir is an absolute directory beside the project's own where its settings may
	// have files written. Empty means none.
	DataDir string

	reference bool // leave everything to compose's own loader: for tests
}

// Source is what a project is read from.
type Source struct {
	Paths []string // absolute; none for a base layer
	Base  []byte   // the file of a base layer
	Dir   string   // of the project
	Layer int
	// Open reads a file and notes that the project depends on it. It returns nil beyond
	// MaxFiles of them.
	Open func(path string) *watched.File
	// Show is how a file is called towards the user; "" is the base layer.
	Show func(path string) string
	// Before is the version before; nil for none.
	Before *Project
}

// Project is what one version of a compose project configures.
type Project struct {
	merge.Document
	Services int
	Settings Settings
	decoded  map[string]label.Decoded // by service
}

// Labelled is how many services have a label of Traefik's.
func (p *Project) Labelled() int {
	n := len(p.Unserved)
	for _, d := range p.decoded {
		if hasTraefikLabel(d.Service.Labels) {
			n++
		}
	}
	return n
}

// Read makes a project of its files, or says what is wrong with them.
func (r *Reader) Read(src Source) (*Project, *config.Problem) {
	b := &builder{Reader: r, composer: composer{open: src.Open, show: src.Show}, layer: src.Layer, dir: src.Dir, look: r.Env,
		before: src.Before}
	if len(src.Paths) == 0 {
		name := src.Show("")
		out, problem := parse(name, src.Base)
		if problem != nil {
			return nil, problem
		}
		b.files = []projectFile{{path: filepath.Join(src.Dir, name), data: src.Base, out: out}}
		b.all = definitions{}
		b.addFile(b.all, out, name, src.Dir, b.look, nil)
	} else {
		b.look = b.variables(b.look, filepath.Join(src.Dir, ".env"), true, location{})
		for _, path := range src.Paths {
			if out := b.read(path, location{file: src.Show(path)}); out != nil {
				b.files = append(b.files, projectFile{path: path, data: src.Open(path).Data, out: out})
			}
		}
		b.all = b.composer.files(src.Paths, src.Dir, b.look, location{}, nil)
	}
	if b.problem != nil {
		return nil, b.problem
	}
	b.name = projectName(b.files, src.Dir, b.look)
	return b.build()
}

// builder makes one version of a project.
type builder struct {
	*Reader
	composer
	layer  int
	dir    string
	name   string
	look   Lookup
	files  []projectFile
	all    definitions
	before *Project // may be nil
}

// build makes the project of its files.
func (b *builder) build() (*Project, *config.Problem) {
	p := &Project{Document: merge.Document{Layer: b.layer}, Services: len(b.all), decoded: make(map[string]label.Decoded, len(b.all))}
	specs, unusual := make(map[string]*spec, len(b.all)), []string(nil)
	for name, parts := range b.all {
		s, err := b.service(name, parts)
		if b.problem != nil {
			return nil, b.problem
		}
		if err == nil && !b.reference {
			specs[name] = s
		}
		if specs[name] == nil || runsTraefik(parts) {
			unusual = append(unusual, name)
		}
	}
	if problem := b.loadFully(p, specs, unusual); problem != nil {
		return nil, problem
	}
	var before Settings
	if b.before != nil {
		before = b.before.Settings
	}
	p.Settings = newSettings(&p.Document, b.RequireEnable, before)
	b.decode(p, specs)
	return p, b.problem
}

// loadFully reads services with compose's own loader: those that have no spec yet, and
// those that run Traefik.
func (b *builder) loadFully(p *Project, specs map[string]*spec, services []string) *config.Problem {
	if len(services) == 0 {
		return nil
	}
	slices.Sort(services)
	full, err := load(b.files, b.dir, b.name, b.look, services)
	if err != nil {
		return located(err, b.files, b.show, b.all)
	}
	for _, name := range services {
		s, ok := full.Services[name]
		if !ok {
			continue
		}
		if specs[name] == nil {
			specs[name] = b.referenceSpec(s, name)
		}
		if runsTraefik(b.all[name]) {
			b.traefik(p, full, s)
		}
	}
	return nil
}

// decode reads the labels of the services that are served.
func (b *builder) decode(p *Project, specs map[string]*spec) {
	profiles := activeProfiles(b.look)
	var served []label.Decoded
	for _, name := range slices.Sorted(maps.Keys(specs)) {
		s := specs[name]
		p.Problems = append(p.Problems, s.problems...)
		if hasTraefikLabel(s.Labels) || runsTraefik(b.all[name]) {
			b.warnUnset(p, name, b.all[name])
		}
		b.complete(s)
		matches := p.Settings.Apply(&s.Service)
		switch {
		case !active(s.profiles, profiles):
			p.exclude(s, "its profile is not active: "+strings.Join(s.profiles, ", "), "set COMPOSE_PROFILES="+s.profiles[0])
		case !matches:
			p.exclude(s, "its labels do not meet Traefik's constraints "+p.Settings.docker.Constraints, "give it the labels that they ask for")
		default:
			served = append(served, label.Decoded{Service: s.Service})
		}
	}
	b.decodeAll(served)
	for _, d := range served {
		p.decoded[d.Service.Name] = d
		p.Sets = append(p.Sets, d.Set)
	}
}

// complete gives a service what does not stand in its file.
func (b *builder) complete(s *spec) {
	addresses, known := b.Addresses[s.Name]
	s.Project, s.Layer, s.Addresses, s.Rules = b.name, b.layer, addresses, b.Rules
	if b.layer != merge.BaseLayer {
		return
	}
	if known && len(addresses) == 0 {
		s.Stopped = true
	}
	s.Host = "localhost" // what replaces such a service may listen on either loopback
}

// decodeAll decodes the labels of services. A service that has not changed keeps what was
// made of it.
func (b *builder) decodeAll(all []label.Decoded) {
	var workers sync.WaitGroup
	size := max(decodeChunk, (len(all)+runtime.GOMAXPROCS(0)-1)/runtime.GOMAXPROCS(0))
	for chunk := range slices.Chunk(all, size) {
		workers.Go(func() {
			for i, d := range chunk {
				if b.before != nil {
					d.Set = b.before.decoded[d.Service.Name].Reuse(d.Service)
				}
				if d.Set == nil {
					d.Set = label.Decode(d.Service)
				}
				chunk[i] = d
			}
		})
	}
	workers.Wait()
}

// exclude notes a service that is not served, and why.
func (p *Project) exclude(s *spec, why, hint string) {
	if hasTraefikLabel(s.Labels) {
		p.Unserved = append(p.Unserved, label.WouldServe(s.Service, why, hint))
	}
}

// hasTraefikLabel reports whether any label is Traefik's.
func hasTraefikLabel(labels map[string]string) bool {
	for key := range labels {
		if strings.HasPrefix(strings.ToLower(key), "traefik.") {
			return true
		}
	}
	return false
}

// decodeChunk is how many services are not worth another goroutine.
const decodeChunk = 100

// activeProfiles are those of COMPOSE_PROFILES.
func activeProfiles(look Lookup) []string {
	v, _ := look("COMPOSE_PROFILES")
	return strings.FieldsFunc(v, func(r rune) bool { return r == ',' || r == ' ' })
}

// active reports whether a service's profiles, if it has any, are asked for.
func active(profiles, asked []string) bool {
	return len(profiles) == 0 || slices.Contains(asked, "*") ||
		slices.ContainsFunc(profiles, func(p string) bool { return slices.Contains(asked, p) })
}
