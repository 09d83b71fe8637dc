package compose

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"axion/gateway/config"
	"axion/gateway/static"

	"github.com/compose-spec/compose-go/v2/types"
	"go.yaml.in/yaml/v4"
)

// traefik reads the settings of a service that runs Traefik itself. Of several the
// first one counts, in the order of their names.
func (b *builder) traefik(p *Project, full *types.Project, s types.ServiceConfig) {
	parts := b.all[s.Name]
	last := parts[len(parts)-1]
	if p.Static != nil {
		p.Problems = append(p.Problems, config.Problem{Severity: config.Warning, File: last.file, Line: last.node.Line, Service: s.Name,
			Message: fmt.Sprintf("the settings of this Traefik are ignored: service %q runs one too", p.Static.Origin.Service),
			Fix:     "remove one of them"})
		return
	}
	env, err := b.environment(s)
	if err != nil {
		p.Problems = append(p.Problems, config.Problem{Severity: config.Warning, File: last.file, Line: last.node.Line, Service: s.Name,
			Message: err.Error(), Fix: "check the name"})
	}
	found, problems := static.Read(static.Source{
		File: last.file, Service: s.Name, Line: last.node.Line,
		Args: arguments(s, parts), Env: env, WorkingDir: s.WorkingDir, User: s.User,
		Path: func(inside string) (string, bool) {
			outside, ok := outside(full, s, inside)
			if ok {
				b.open(outside) // to be watched
			}
			return outside, ok
		},
		Content:  func(inside string) (static.Content, bool) { return b.content(full, s, inside) },
		Writable: func(inside string) (root, file string, err error) { return b.writable(full, s, inside) },
	})
	p.Problems = append(p.Problems, problems...)
	addOwnEntryPoint(found, s.Ports)
	if b.before != nil && reflect.DeepEqual(b.before.Static, found) {
		found = b.before.Static
	}
	p.Static = found
}

// runsTraefik reports whether a service starts Traefik itself: by its image, or
// by a command that can be nothing else.
func runsTraefik(parts []definition) bool {
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
func (b *builder) environment(s types.ServiceConfig) (map[string]string, error) {
	env := map[string]string{}
	for name, value := range s.Environment {
		if value != nil {
			env[name] = *value
		} else if v, ok := b.look(name); ok {
			env[name] = v
		}
	}
	own := Lookup(func(name string) (string, bool) { v, ok := env[name]; return v, ok })
	files := map[string]string{}
	for _, f := range s.EnvFiles {
		in := b.open(f.Path)
		if in != nil && errors.Is(in.Err, fs.ErrNotExist) && !bool(f.Required) {
			continue
		}
		if in == nil || in.Err != nil {
			return env, fmt.Errorf("its env_file %s cannot be read", b.show(f.Path))
		}
		if err := parseVariables(in.Data, files, own, f.Format); err != nil {
			why := "a line is not NAME=value" // the error itself may quote secrets
			if bound, ok := errors.AsType[boundError](err); ok {
				why = bound.Error()
			}
			return env, fmt.Errorf("its env_file %s cannot be read: %s", b.show(f.Path), why)
		}
	}
	maps.Copy(files, env)
	return files, nil
}

// arguments are the words of a service's command, each with its line where the
// command is written as a list.
func arguments(s types.ServiceConfig, parts []definition) []static.Arg {
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
