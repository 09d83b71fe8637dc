package provider

import (
	"cmp"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"

	"axion/gateway/config"
	"axion/gateway/label"

	"github.com/compose-spec/compose-go/v2/types"
	"go.yaml.in/yaml/v4"
)

// document is what one version of a source says.
type document struct {
	layer      int
	services   int // of a project
	containers bool
	sets       []*label.Set       // of a project's services, or of containers
	unserved   []*config.Unserved // of services that are not among those
	file       *piece             // of a dynamic file
	static     *config.Static
	settings   settings
	problems   []config.Problem   // beyond those of the sets
	files      map[string]bool    // what its problems call its files
	decoded    map[string]decoded // of a project, by service
	running    []decoded          // of containers
}

// decoded is a service's labels before and after.
type decoded struct {
	in  label.Service
	set *label.Set
}

// project is one compose project on its way to a document.
type project struct {
	*assembly
	loader *loader
	layer  int
	dir    string
	name   string
	look   lookup
	files  []content
	all    model
	before *document // the version before; may be nil
}

// load makes a document of the project's files.
func (p *project) load() (*document, *config.Problem) {
	doc := &document{layer: p.layer, services: len(p.all), decoded: make(map[string]decoded, len(p.all))}
	specs, slow := make(map[string]*spec, len(p.all)), []string(nil)
	for name, parts := range p.all {
		s, err := p.service(name, parts)
		switch {
		case p.problem != nil:
			return nil, p.problem
		case err != nil || p.loader.reference:
			slow = append(slow, name)
		default:
			specs[name] = s
		}
		if runsTraefik(parts) {
			slow = append(slow, name)
		}
	}
	if len(slow) > 0 {
		slices.Sort(slow)
		full, err := p.loader.full(p.files, p.dir, p.name, p.look, slow)
		if err != nil {
			return nil, located(err, p.files, p.show, p.all)
		}
		for _, name := range slices.Compact(slow) {
			if s, ok := full.Services[name]; ok {
				if specs[name] == nil {
					specs[name] = p.reference(s, name)
				}
				if runsTraefik(p.all[name]) {
					p.traefik(doc, full, s)
				}
			}
		}
	}
	var before settings
	if p.before != nil {
		before = p.before.settings
	}
	doc.settings = settingsOf(doc, p.loader.requireEnable, before)
	p.decode(doc, specs)
	return doc, p.problem
}

// decode reads the labels of the services that are served. A service that says
// what it said before keeps what was made of it.
func (p *project) decode(doc *document, specs map[string]*spec) {
	profiles := activeProfiles(p.look)
	var served []decoded
	for _, name := range slices.Sorted(maps.Keys(specs)) {
		s := specs[name]
		doc.problems = append(doc.problems, s.problems...)
		if hasTraefik(s.Labels) || runsTraefik(p.all[name]) {
			p.warnUnset(doc, name, p.all[name])
		}
		s.Project, s.Layer, s.Addresses, s.Rules = p.name, p.layer, p.loader.addresses[name], p.loader.rules
		if addresses, known := p.loader.addresses[name]; known && len(addresses) == 0 && p.layer == baseLayer {
			s.Stopped = true
		}
		if p.layer == baseLayer { // whoever takes such a service's place may listen on either loopback
			s.Host = "localhost"
		}
		counts := doc.settings.apply(&s.Service)
		switch {
		case !active(s.profiles, profiles):
			doc.leaveOff(s, "its profile is not active: "+strings.Join(s.profiles, ", "), "set COMPOSE_PROFILES="+s.profiles[0])
		case !counts:
			doc.leaveOff(s, "its labels do not meet Traefik's constraints "+doc.settings.told.Constraints, "give it the labels that they ask for")
		default:
			served = append(served, decoded{in: s.Service})
		}
	}
	var workers sync.WaitGroup
	size := max(decodeChunk, (len(served)+runtime.GOMAXPROCS(0)-1)/runtime.GOMAXPROCS(0))
	for chunk := range slices.Chunk(served, size) {
		workers.Go(func() {
			for i, d := range chunk {
				if p.before != nil {
					d.set = p.before.decoded[d.in.Name].again(d.in)
				}
				if d.set == nil {
					d.set = label.Decode(d.in)
				}
				chunk[i] = d
			}
		})
	}
	workers.Wait()
	for _, d := range served {
		doc.decoded[d.in.Name] = d
		doc.sets = append(doc.sets, d.set)
	}
}

// leaveOff notes a service that is not served, and why.
func (doc *document) leaveOff(s *spec, why, hint string) {
	if hasTraefik(s.Labels) {
		doc.unserved = append(doc.unserved, label.WouldServe(s.Service, why, hint))
	}
}

// hasTraefik reports whether any label is Traefik's.
func hasTraefik(labels map[string]string) bool {
	for key := range labels {
		if strings.HasPrefix(strings.ToLower(key), "traefik.") {
			return true
		}
	}
	return false
}

// decodeChunk is how many services are not worth another goroutine.
const decodeChunk = 100

// again is what a service's labels configure if they are what they were, perhaps
// some lines further on; else nil.
func (d decoded) again(now label.Service) *label.Set {
	was := d.in
	if d.set == nil || was.File != now.File || was.Project != now.Project || was.RequireEnable != now.RequireEnable ||
		was.DefaultRule != now.DefaultRule || !maps.Equal(was.Labels, now.Labels) || !maps.Equal(was.Files, now.Files) ||
		was.UseBindPortIP != now.UseBindPortIP || was.Stopped != now.Stopped || was.Host != now.Host || was.Layer != now.Layer ||
		!slices.Equal(was.Addresses, now.Addresses) || !slices.Equal(was.Ports, now.Ports) || !slices.Equal(was.Exposed, now.Exposed) ||
		!slices.Equal(was.ExposedUDP, now.ExposedUDP) {
		return nil
	}
	if maps.Equal(was.Lines, now.Lines) {
		return d.set
	}
	by, known := 0, false
	for key, line := range now.Lines {
		moved := line - was.Lines[key]
		if known && moved != by || len(now.Files) > 0 || len(was.Lines) != len(now.Lines) {
			return nil
		}
		by, known = moved, true
	}
	return d.set.Moved(by, now.Lines)
}

// activeProfiles are those of COMPOSE_PROFILES.
func activeProfiles(look lookup) []string {
	v, _ := look("COMPOSE_PROFILES")
	return strings.FieldsFunc(v, func(r rune) bool { return r == ',' || r == ' ' })
}

// active reports whether a service's profiles, if it has any, are asked for.
func active(profiles, asked []string) bool {
	return len(profiles) == 0 || slices.Contains(asked, "*") ||
		slices.ContainsFunc(profiles, func(p string) bool { return slices.Contains(asked, p) })
}

// reference is the spec of a service that compose's own loader has read. Where
// the labels stand is in the parts.
func (p *project) reference(s types.ServiceConfig, name string) *spec {
	lines := &reader{assembly: &assembly{open: p.open, show: p.show}, name: name, spec: &spec{}}
	lines.spec.Labels, lines.spec.Lines = map[string]string{}, map[string]int{}
	parts := p.all[name]
	if len(parts) > 0 {
		lines.spec.File = parts[len(parts)-1].file
	}
	_ = lines.labelFiles(parts) // what is unusual or wrong has no line
	for _, part := range parts {
		each(child(part.node, "labels"), func(key, value *yaml.Node) {
			text, err := key.Value, error(nil)
			if value == nil {
				text, err = substitute(key.Value, part.look)
				text, _, _ = strings.Cut(text, "=")
			}
			if err == nil {
				lines.put(part.file, text, "", key.Line)
			}
		})
		lines.swarm(part)
	}
	out := &spec{profiles: s.Profiles, problems: lines.spec.problems}
	out.Service = label.Service{Name: name, File: lines.spec.File, Labels: s.Labels, Lines: lines.spec.Lines, Files: lines.spec.Files}
	r := &reader{spec: out}
	for _, port := range s.Ports {
		r.port(port.HostIP, port.Published, port.Target, port.Protocol)
	}
	for _, e := range s.Expose {
		r.expose(e)
	}
	if out.Labels == nil {
		out.Labels = map[string]string{}
	}
	maps.DeleteFunc(out.Lines, func(key string, _ int) bool { _, ok := out.Labels[key]; return !ok })
	maps.DeleteFunc(out.Files, func(key string, _ string) bool { _, ok := out.Labels[key]; return !ok })
	return out
}

// runsTraefik reports whether a service starts Traefik itself: by its image, or
// by a command that can be nothing else.
func runsTraefik(parts []part) bool {
	for _, p := range slices.Backward(parts) {
		if image := strings.Join(texts(child(p.node, "image"), p.look), ""); image != "" {
			image, _, _ = strings.Cut(image[strings.LastIndexByte(image, '/')+1:], "@")
			image, _, _ = strings.Cut(image, ":")
			if strings.EqualFold(image, "traefik") {
				return true
			}
			break
		}
	}
	for _, p := range parts {
		command := child(p.node, "command")
		if command == nil {
			continue
		}
		found := strings.Contains(command.Value, "--providers.")
		each(command, func(arg, _ *yaml.Node) { found = found || strings.HasPrefix(arg.Value, "--providers.") })
		if found {
			return true
		}
	}
	return false
}

// settings are what Traefik is told of all containers.
type settings struct {
	requireEnable bool
	rule          *label.DefaultRule
	constraint    *label.Constraint
	told          config.StaticDocker // what it was read from
}

// settingsOf reads what a document's Traefik is told. A part that cannot be read
// is a problem of the document, and is passed over.
func settingsOf(doc *document, requireEnable bool, before settings) settings {
	s := settings{requireEnable: requireEnable}
	if doc.static == nil {
		return s
	}
	s.told = doc.static.Docker
	s.requireEnable = requireEnable || s.told.ExposedByDefault != nil && !*s.told.ExposedByDefault
	var ruleErr, constraintErr error
	if s.rule = before.rule; s.rule == nil || before.told.DefaultRule != s.told.DefaultRule {
		s.rule, ruleErr = label.NewDefaultRule(s.told.DefaultRule)
	}
	s.constraint, constraintErr = label.NewConstraint(s.told.Constraints)
	for setting, err := range map[string]error{"providers.docker.defaultrule": ruleErr, "providers.docker.constraints": constraintErr} {
		if err != nil {
			o := doc.static.Origin
			o.Line = cmp.Or(doc.static.Lines[setting], o.Line)
			doc.problems = append(doc.problems, doc.static.Problem(o, config.Error, setting+": "+err.Error(), ""))
		}
	}
	return s
}

// apply tells a service what all are told, and reports whether it counts.
func (s settings) apply(service *label.Service) bool {
	service.RequireEnable, service.DefaultRule, service.UseBindPortIP = service.RequireEnable || s.requireEnable, s.rule, s.told.UseBindPortIP
	return s.constraint.Met(*service)
}
