package provider

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"

	"axion/gateway/config"
	"axion/gateway/static"
	"axion/gateway/within"

	"github.com/compose-spec/compose-go/v2/types"
	"go.yaml.in/yaml/v4"
)

// traefik reads what a service that runs Traefik itself tells it. Of several the
// first one counts, in the order of their names.
func (p *project) traefik(doc *document, full *types.Project, s types.ServiceConfig) {
	parts := p.all[s.Name]
	last := parts[len(parts)-1]
	if doc.static != nil {
		doc.problems = append(doc.problems, config.Problem{Severity: config.Warning, File: last.file, Line: last.node.Line, Service: s.Name,
			Message: fmt.Sprintf("the settings of this Traefik are ignored: service %q runs one too", doc.static.Origin.Service),
			Fix:     "remove one of them"})
		return
	}
	env, err := p.environment(s)
	if err != nil {
		doc.problems = append(doc.problems, config.Problem{Severity: config.Warning, File: last.file, Line: last.node.Line, Service: s.Name,
			Message: err.Error(), Fix: "check the name"})
	}
	found, problems := static.Read(static.Source{
		File: last.file, Service: s.Name, Line: last.node.Line,
		Args: arguments(s, parts), Env: env, WorkingDir: s.WorkingDir, User: s.User,
		Path: func(inside string) (string, bool) {
			outside, ok := outside(full, s, inside)
			if ok {
				p.open(outside) // to be watched
			}
			return outside, ok
		},
		Content:  func(inside string) (static.Content, bool) { return p.content(full, s, inside) },
		Writable: func(inside string) (root, file string, err error) { return p.writable(full, s, inside) },
	})
	doc.problems = append(doc.problems, problems...)
	addOwnEntryPoint(found, s.Ports)
	if p.before != nil && reflect.DeepEqual(p.before.static, found) {
		found = p.before.static
	}
	doc.static = found
}

// ownEntryPoint is the name and port that Traefik gives to the entrypoint of its own
// pages.
const (
	ownEntryPoint = "traefik"
	ownPort       = 8080
)

// addOwnEntryPoint adds Traefik's own entrypoint where its pages need it, nobody
// configured it and the container's port of it is published: else nobody reaches it.
func addOwnEntryPoint(s *config.Static, ports []types.ServicePortConfig) {
	own := func(entrypoint string, manual bool) bool {
		return !manual && (entrypoint == "" || entrypoint == ownEntryPoint)
	}
	needed := s.API != nil && s.API.Insecure || s.Ping != nil && own(s.Ping.EntryPoint, s.Ping.ManualRouting) ||
		s.Metrics != nil && s.Metrics.Prometheus != nil && own(s.Metrics.Prometheus.EntryPoint, s.Metrics.Prometheus.ManualRouting)
	if !needed || s.EntryPoints[ownEntryPoint] != nil {
		return
	}
	for _, port := range ports {
		if port.Target != ownPort || port.Protocol == "udp" {
			continue
		}
		if n, err := strconv.ParseUint(port.Published, 10, 16); err == nil && n > 0 {
			if s.EntryPoints == nil {
				s.EntryPoints = map[string]*config.EntryPoint{}
			}
			s.EntryPoints[ownEntryPoint] = &config.EntryPoint{Origin: s.Origin, Implicit: true, Address: ":" + port.Published}
			return
		}
	}
}

// environment is a service's, with that of its env_file below. Like compose it lets
// a file refer to the variables of those before, below the service's own.
func (p *project) environment(s types.ServiceConfig) (map[string]string, error) {
	env := map[string]string{}
	for name, value := range s.Environment {
		if value != nil {
			env[name] = *value
		} else if v, ok := p.look(name); ok {
			env[name] = v
		}
	}
	own := lookup(func(name string) (string, bool) { v, ok := env[name]; return v, ok })
	files := map[string]string{}
	for _, f := range s.EnvFiles {
		in := p.open(f.Path)
		if in != nil && errors.Is(in.err, fs.ErrNotExist) && !bool(f.Required) {
			continue
		}
		if in == nil || in.err != nil {
			return env, fmt.Errorf("its env_file %s cannot be read", p.show(f.Path))
		}
		if err := parseVariables(in.data, files, own, f.Format); err != nil {
			why := "a line is not NAME=value" // the error itself may quote secrets
			if bound, ok := errors.AsType[boundError](err); ok {
				why = bound.Error()
			}
			return env, fmt.Errorf("its env_file %s cannot be read: %s", p.show(f.Path), why)
		}
	}
	maps.Copy(files, env)
	return files, nil
}

// arguments are the words of a service's command, each with its line where the
// command is written as a list.
func arguments(s types.ServiceConfig, parts []part) []static.Arg {
	var node *yaml.Node
	for _, p := range parts {
		if n := child(p.node, "command"); !isNull(n) {
			node = n
		}
	}
	args := make([]static.Arg, len(s.Command))
	for i, text := range s.Command {
		args[i] = static.Arg{Text: text}
		if node == nil {
			continue
		}
		args[i].Line = node.Line
		if node.Kind == yaml.SequenceNode && len(node.Content) == len(s.Command) {
			args[i].Line = node.Content[i].Line
		}
	}
	return args
}

// mount is what is at a place in a container.
type mount struct {
	target   string
	source   string // on this machine; empty where the engine keeps it
	object   string // the name of a config or secret, by the section that defines it
	section  string
	what     string // as its file calls it
	readOnly bool
}

// at is where a path of the container's below the mount is on this machine.
func (m *mount) at(inside string) string {
	return filepath.Join(m.source, filepath.FromSlash(strings.TrimPrefix(inside, m.target)))
}

// mounted is the mount that holds a clean path of a container, or nil.
func mounted(project *types.Project, s types.ServiceConfig, inside string) *mount {
	var best *mount
	try := func(m mount) {
		m.target = path.Clean("/" + m.target)
		below := inside == m.target || strings.HasPrefix(inside, strings.TrimSuffix(m.target, "/")+"/")
		if below && (best == nil || len(m.target) > len(best.target)) {
			best = &m
		}
	}
	for _, v := range s.Volumes {
		m := mount{target: v.Target, what: "the volume " + v.Source, readOnly: v.ReadOnly}
		switch v.Type {
		case types.VolumeTypeBind:
			m.source = v.Source
		case types.VolumeTypeVolume:
			m.source = project.Volumes[v.Source].DriverOpts["device"]
		default:
			m.what = "the " + v.Type + " mount"
		}
		try(m)
	}
	for _, target := range s.Tmpfs {
		target, _, _ = strings.Cut(target, ":")
		try(mount{target: target, what: "the tmpfs mount"})
	}
	for _, c := range s.Configs {
		try(mount{target: or(c.Target, "/"+c.Source), source: project.Configs[c.Source].File, section: "configs", object: c.Source,
			readOnly: true})
	}
	for _, c := range s.Secrets {
		target := or(c.Target, c.Source)
		if !path.IsAbs(target) {
			target = "/run/secrets/" + target
		}
		try(mount{target: target, source: project.Secrets[c.Source].File, section: "secrets", object: c.Source, readOnly: true})
	}
	return best
}

// outside finds a container's path on this machine, by its bind mounts and the
// files of its configs and secrets.
func outside(project *types.Project, s types.ServiceConfig, inside string) (string, bool) {
	m := mounted(project, s, inside)
	if m == nil || m.source == "" {
		return "", false
	}
	found := m.at(inside)
	return found, filepath.IsAbs(found)
}

// content is the text that a config or secret of the project's own files has, which is
// at a path of the container.
func (p *project) content(full *types.Project, s types.ServiceConfig, inside string) (static.Content, bool) {
	m := mounted(full, s, inside)
	if m == nil || m.object == "" || m.source != "" || m.target != inside {
		return static.Content{}, false
	}
	object := types.FileObjectConfig(full.Configs[m.object])
	if m.section == "secrets" {
		object = types.FileObjectConfig(full.Secrets[m.object])
	}
	c := static.Content{File: p.show(p.files[len(p.files)-1].path), Text: object.Content}
	if object.Environment != "" {
		value, ok := p.look(object.Environment)
		c.Text = value
		return c, ok
	}
	for _, f := range p.files {
		for _, root := range f.out.roots {
			n := child(child(child(root, m.section), m.object), "content")
			if isNull(n) {
				continue
			}
			c.File, c.Line = p.show(f.path), n.Line
			if n.Style&yaml.LiteralStyle != 0 {
				c.Line++ // it begins below the bar
			}
		}
	}
	return c, object.Content != ""
}

// writable finds a file that Traefik writes, on this machine: in the project's
// folder or the directory of the stack's own state, and nowhere else.
func (p *project) writable(full *types.Project, s types.ServiceConfig, name string) (root, file string, err error) {
	inside := name
	if !path.IsAbs(inside) {
		inside = path.Join("/", s.WorkingDir, name)
	}
	inside = path.Clean(inside)
	folder := fmt.Sprintf("mount a folder from beside the compose file: ./logs:%s", path.Dir(inside))
	m := mounted(full, s, inside)
	switch {
	case m == nil:
		return "", "", &refusal{errors.New("it is on no volume of the container"), folder}
	case m.source == "" || !filepath.IsAbs(m.source):
		return "", "", &refusal{fmt.Errorf("%s is kept by the container engine", m.what), folder}
	case s.ReadOnly && m.target == "/" || m.readOnly:
		return "", "", &refusal{errors.New("it is mounted read-only"), "take :ro from the mount of " + m.target}
	}
	file = m.at(inside)
	root, err = within.Root(p.loader.writable(p.dir), file)
	if errors.Is(err, within.ErrOutside) {
		return "", "", &refusal{fmt.Errorf("%s lies outside of the compose file's folder", file), folder}
	}
	if err != nil {
		return "", "", &refusal{fmt.Errorf("%s: %w", p.show(file), err), "name another file"}
	}
	return root, file, nil
}

// refusal says why a file is not written, and what to do.
type refusal struct {
	error
	hint string
}

func (r *refusal) Unwrap() error { return r.error }

// Hint is the hint shown with the error.
func (r *refusal) Hint() string { return r.hint }

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
