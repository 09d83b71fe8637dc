package provider

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"axion/gateway/config"
	"axion/gateway/label"

	"github.com/compose-spec/compose-go/v2/types"
	"go.yaml.in/yaml/v4"
)

// errShape is what only compose's own loader can make sense of.
var errShape = errors.New("an unusual shape")

// spec is what matters of a compose service.
type spec struct {
	label.Service
	profiles []string
	problems []config.Problem
}

// reader reads the specs of services that are written in the usual shapes. It
// gives what compose's own loader gives, some hundred times faster.
type reader struct {
	*assembly
	name      string
	spec      *spec
	seen      map[label.Port]bool // those of spec
	exposed   map[exposed]bool
	published int // ports, before any is left out as seen
}

// exposed is a port that a container listens on.
type exposed struct {
	port int
	udp  bool
}

// maxPorts bounds how many ports a service publishes: all that there are.
const maxPorts = 1 << 16

// service puts one together from its parts. It returns errShape if it cannot,
// or notes a problem with them.
func (a *assembly) service(name string, parts []part) (*spec, error) {
	r := &reader{assembly: a, name: name, spec: &spec{}}
	r.spec.Name, r.spec.Labels, r.spec.Lines = name, map[string]string{}, map[string]int{}
	if len(parts) > 0 {
		r.spec.File = parts[len(parts)-1].file
	}
	if err := r.labelFiles(parts); err != nil {
		return nil, err
	}
	for _, p := range parts {
		if isTagged(p.node) {
			return nil, errShape
		}
		if isNull(p.node) {
			continue
		}
		if p.node.Kind != yaml.MappingNode {
			return nil, errShape
		}
		if err := r.part(p); err != nil {
			return nil, err
		}
	}
	return r.spec, nil
}

func (r *reader) part(p part) error {
	if err := r.labels(p); err != nil {
		return err
	}
	if err := r.ports(p, child(p.node, "ports")); err != nil {
		return err
	}
	if expose := child(p.node, "expose"); !isNull(expose) {
		if expose.Kind != yaml.SequenceNode {
			return errShape
		}
		for _, text := range texts(expose, p.look) {
			r.expose(text)
		}
	}
	profiles := child(p.node, "profiles")
	if !isNull(profiles) && profiles.Kind != yaml.SequenceNode {
		return errShape
	}
	r.spec.profiles = append(r.spec.profiles, texts(profiles, p.look)...)
	r.swarm(p)
	return nil
}

// put notes a label and where it stands.
func (r *reader) put(file, key, value string, line int) {
	s := r.spec
	s.Labels[key], s.Lines[key] = value, line
	if file != s.File {
		if s.Files == nil {
			s.Files = map[string]string{}
		}
		s.Files[key] = file
	} else if s.Files != nil {
		delete(s.Files, key)
	}
}

// labels reads a list of "key=value" or a mapping.
func (r *reader) labels(p part) error {
	n := child(p.node, "labels")
	if isNull(n) {
		return nil
	}
	if n.Kind != yaml.SequenceNode && n.Kind != yaml.MappingNode {
		return r.refuse(spot{p.file, n}, "the labels are neither a list nor a mapping", "write one in each line: - name=value")
	}
	var failed error
	seen := map[string]bool{}
	each(n, func(key, value *yaml.Node) {
		name, text, err := r.label(p, key, value)
		if failed = errors.Join(failed, err); err != nil {
			return
		}
		if value == nil && seen[name] && strings.HasPrefix(strings.ToLower(name), "traefik.") {
			r.doubt(p.file, key.Line, name, "the label is there twice: the last one counts", "remove one of them")
		}
		seen[name] = true
		r.put(p.file, name, text, key.Line)
	})
	return failed
}

// label reads one: an item of a list, where there is no value, or an entry of a
// mapping.
func (r *reader) label(p part, key, value *yaml.Node) (name, text string, err error) {
	at := spot{p.file, key}
	switch {
	case value == nil && key.Kind == yaml.MappingNode:
		return "", "", r.refuse(at, "a label in the list is written as name: value",
			"write - name=value; or write all labels of the service without the dash")
	case key.Kind != yaml.ScalarNode || key.ShortTag() != "!!str":
		return "", "", errShape
	case value != nil && value.Kind != yaml.ScalarNode:
		return "", "", r.refuse(at, fmt.Sprintf("the value of the label %q is no single text", key.Value),
			"write name: value, with the value in quotes where it holds a colon")
	}
	if value == nil {
		if name, err = substitute(key.Value, p.look); err == nil {
			name, text, _ = strings.Cut(name, "=")
		}
	} else {
		name = key.Value
		text, err = scalar(value, p.look)
		tag := value.ShortTag()
		number := (tag == "!!int" || tag == "!!float") && text != value.Value
		if err == nil && number && strings.HasPrefix(strings.ToLower(name), "traefik.") {
			r.doubt(p.file, value.Line, name, fmt.Sprintf("%s is read as the number %s", value.Value, text), fmt.Sprintf("put it in quotes: %q",
				value.Value))
		}
	}
	if err != nil && !errors.Is(err, errShape) {
		written, _, _ := strings.Cut(key.Value, "=")
		if value != nil {
			key = value
		}
		message, hint := notInterpolated(key.Value, err)
		return "", "", r.refuse(at, fmt.Sprintf("the label %q cannot be read: %s", written, message), hint)
	}
	return name, text, err
}

// refuse notes a problem, with which all is void, and returns it.
func (r *reader) refuse(at spot, message, hint string) error {
	if r.assembly != nil && r.assembly.open != nil {
		r.fail(at, r.name, message, hint)
	}
	return errors.New(message)
}

// doubt notes a warning about a label.
func (r *reader) doubt(file string, line int, label, message, hint string) {
	r.spec.problems = append(r.spec.problems, config.Problem{Severity: config.Warning, File: file, Line: line, Service: r.name,
		Label: label, Message: message, Fix: hint})
}

// scalar is a label's value: numbers and the like are written as Go does.
func scalar(n *yaml.Node, look lookup) (string, error) {
	if n.Kind != yaml.ScalarNode {
		return "", errShape
	}
	switch n.ShortTag() {
	case "!!str":
		return substitute(n.Value, look)
	case "!!null":
		return "", nil
	case "!!bool", "!!int", "!!float":
		var v any
		if err := n.Decode(&v); err != nil {
			return "", errShape
		}
		return fmt.Sprint(v), nil
	}
	return "", errShape
}

// labelFiles reads the files that label_file names, which lie below all labels.
func (r *reader) labelFiles(parts []part) error {
	seen := map[string]string{}
	for _, p := range parts {
		n := child(p.node, "label_file")
		if isNull(n) {
			continue
		}
		if n.Kind != yaml.ScalarNode && n.Kind != yaml.SequenceNode {
			return errShape
		}
		for _, name := range texts(n, p.look) {
			path, at := absolute(p.dir, name), spot{p.file, n}
			in := r.open(path)
			if in == nil || in.err != nil {
				r.fail(at, r.name, fmt.Sprintf("the label_file %s cannot be read", r.show(path)), "check the name")
				return r.problem
			}
			vars := map[string]string{}
			err := parseVariables(in.data, vars, func(name string) (string, bool) { v, ok := seen[name]; return v, ok }, "")
			if bound, ok := errors.AsType[boundError](err); ok {
				r.fail(spot{file: r.show(path)}, r.name, "the labels cannot be read: "+bound.Error(), "")
				return r.problem
			}
			if err != nil {
				r.fail(spot{file: r.show(path), node: &yaml.Node{Line: lineIn(err.Error())}}, r.name,
					"the labels cannot be read: the line is not NAME=value", "")
				return r.problem
			}
			lines := linesOf(in.data)
			for key, value := range vars {
				seen[key] = value
				r.put(r.show(path), key, value, lines[key])
			}
		}
	}
	return nil
}

// linesOf finds the lines of a file of NAME=value by name.
func linesOf(data []byte) map[string]int {
	lines, n := map[string]int{}, 0
	for line := range bytes.Lines(data) {
		n++
		name, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(string(line)), "export "), "=")
		lines[strings.TrimSpace(name)] = n
	}
	return lines
}

// ports reads entries such as "8081:8080/udp", 80 and {target: 80, published: "81"}.
func (r *reader) ports(p part, n *yaml.Node) error {
	if isNull(n) {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		return errShape
	}
	var failed error
	each(n, func(entry, _ *yaml.Node) {
		switch {
		case failed != nil:
		case isTagged(entry):
			failed = errShape
		case entry.Kind == yaml.MappingNode:
			failed = r.longPort(p, entry)
		case entry.Kind == yaml.ScalarNode:
			text, err := substitute(entry.Value, p.look)
			if err != nil {
				message, hint := notInterpolated(entry.Value, err)
				failed = r.refuse(spot{p.file, entry}, fmt.Sprintf("the port %q cannot be read: %s", entry.Value, message), hint)
				return
			}
			list, err := types.ParsePortConfig(text)
			if err != nil {
				failed = r.refuse(spot{p.file, entry}, fmt.Sprintf("the port %q cannot be read: %s", text, config.InWords(err.Error())),
					"write one such as 8080:80, in quotes")
			}
			if r.published += len(list); r.published > maxPorts {
				r.fail(spot{p.file, entry}, r.name, fmt.Sprintf("the service has more than %d ports", maxPorts), "")
				failed = errShape
				return
			}
			for _, port := range list {
				r.port(port.HostIP, port.Published, port.Target, port.Protocol)
			}
		default:
			failed = errShape
		}
	})
	return failed
}

func (r *reader) longPort(p part, n *yaml.Node) error {
	text := func(key string) string { return strings.Join(texts(child(n, key), p.look), "") }
	target, err := strconv.ParseUint(text("target"), 10, 16)
	if err != nil {
		return errShape
	}
	r.port(text("host_ip"), text("published"), uint32(target), text("protocol"))
	return nil
}

func (r *reader) port(hostIP, published string, target uint32, protocol string) {
	if protocol != "" && protocol != "tcp" && protocol != "udp" {
		return
	}
	number, _ := strconv.Atoi(published) // a range or none is the engine's choice: 0
	port := label.Port{HostIP: hostIP, Published: number, Target: int(target), UDP: protocol == "udp"}
	if !r.seen[port] {
		if r.seen == nil {
			r.seen = map[label.Port]bool{}
		}
		r.seen[port] = true
		r.spec.Ports = append(r.spec.Ports, port)
	}
}

// expose reads entries such as "3000", "3000/udp" and "3000-3005".
func (r *reader) expose(entry string) {
	number, protocol, _ := strings.Cut(entry, "/")
	number, _, _ = strings.Cut(number, "-")
	n, err := strconv.Atoi(number)
	if err != nil || n <= 0 {
		return
	}
	list := &r.spec.Exposed
	switch protocol {
	case "", "tcp":
	case "udp":
		list = &r.spec.ExposedUDP
	default:
		return
	}
	if known := (exposed{n, protocol == "udp"}); !r.exposed[known] {
		if r.exposed == nil {
			r.exposed = map[exposed]bool{}
		}
		r.exposed[known] = true
		*list = append(*list, n)
	}
}

// swarm warns of labels where only Traefik's swarm provider looks for them.
func (r *reader) swarm(p part) {
	n := child(child(p.node, "deploy"), "labels")
	if n == nil {
		return
	}
	var first *yaml.Node
	each(n, func(key, _ *yaml.Node) {
		if first == nil && key.Kind == yaml.ScalarNode && strings.HasPrefix(strings.ToLower(key.Value), "traefik.") {
			first = key
		}
	})
	if first != nil {
		name, _, _ := strings.Cut(first.Value, "=")
		r.spec.problems = append(r.spec.problems, config.Problem{Severity: config.Warning, File: p.file, Line: first.Line, Service: r.name,
			Label:   name,
			Message: "labels below deploy are for Swarm only: they are ignored", Fix: "move them to the labels of the service itself"})
	}
}
