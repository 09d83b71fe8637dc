package compose

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"axion/gateway/config"
	"axion/gateway/label"

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

// serviceReader reads the specs of services that are written in the usual shapes. It
// gives what compose's own loader gives, some hundred times faster.
type serviceReader struct {
	*composer
	name      string
	spec      *spec
	seen      map[label.Port]bool // those of spec
	exposed   map[exposed]bool
	published int // ports, before any is left out as seen
}

// service puts one together from its parts. It returns errShape if it cannot,
// or notes a problem with them.
func (c *composer) service(name string, parts []definition) (*spec, error) {
	r := &serviceReader{composer: c, name: name, spec: &spec{}}
	r.spec.Name, r.spec.Labels, r.spec.Lines = name, map[string]string{}, map[string]int{}
	if len(parts) > 0 {
		r.spec.File = parts[len(parts)-1].file
	}
	if err := r.labelFiles(parts); err != nil {
		return nil, err
	}
	for _, d := range parts {
		if isTagged(d.node) {
			return nil, errShape
		}
		if isNull(d.node) {
			continue
		}
		if d.node.Kind != yaml.MappingNode {
			return nil, errShape
		}
		if err := r.part(d); err != nil {
			return nil, err
		}
	}
	return r.spec, nil
}

func (r *serviceReader) part(d definition) error {
	if err := r.labels(d); err != nil {
		return err
	}
	if err := r.ports(d, child(d.node, "ports")); err != nil {
		return err
	}
	if expose := child(d.node, "expose"); !isNull(expose) {
		if expose.Kind != yaml.SequenceNode {
			return errShape
		}
		for _, text := range texts(expose, d.look) {
			r.expose(text)
		}
	}
	profiles := child(d.node, "profiles")
	if !isNull(profiles) && profiles.Kind != yaml.SequenceNode {
		return errShape
	}
	r.spec.profiles = append(r.spec.profiles, texts(profiles, d.look)...)
	r.swarm(d)
	return nil
}

// put notes a label and where it stands.
func (r *serviceReader) put(file, key, value string, line int) {
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
func (r *serviceReader) labels(d definition) error {
	n := child(d.node, "labels")
	if isNull(n) {
		return nil
	}
	if n.Kind != yaml.SequenceNode && n.Kind != yaml.MappingNode {
		return r.refuse(location{d.file, n}, "the labels are neither a list nor a mapping", "write one in each line: - name=value")
	}
	var failed error
	seen := map[string]bool{}
	each(n, func(key, value *yaml.Node) {
		name, text, err := r.label(d, key, value)
		if failed = errors.Join(failed, err); err != nil {
			return
		}
		if value == nil && seen[name] && strings.HasPrefix(strings.ToLower(name), "traefik.") {
			r.doubt(d.file, key.Line, name, "the label is there twice: the last one counts", "remove one of them")
		}
		seen[name] = true
		r.put(d.file, name, text, key.Line)
	})
	return failed
}

// label reads one: an item of a list, where there is no value, or an entry of a
// mapping.
func (r *serviceReader) label(d definition, key, value *yaml.Node) (name, text string, err error) {
	at := location{d.file, key}
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
		if name, err = substitute(key.Value, d.look); err == nil {
			name, text, _ = strings.Cut(name, "=")
		}
	} else {
		name = key.Value
		text, err = scalar(value, d.look)
		tag := value.ShortTag()
		number := (tag == "!!int" || tag == "!!float") && text != value.Value
		if err == nil && number && strings.HasPrefix(strings.ToLower(name), "traefik.") {
			r.doubt(d.file, value.Line, name, fmt.Sprintf("%s is read as the number %s", value.Value, text), fmt.Sprintf("put it in quotes: %q",
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
func (r *serviceReader) refuse(at location, message, hint string) error {
	if r.composer != nil && r.composer.open != nil {
		r.fail(at, r.name, message, hint)
	}
	return errors.New(message)
}

// doubt notes a warning about a label.
func (r *serviceReader) doubt(file string, line int, label, message, hint string) {
	r.spec.problems = append(r.spec.problems, config.Problem{Severity: config.Warning, File: file, Line: line, Service: r.name,
		Label: label, Message: message, Fix: hint})
}

// scalar is a label's value: numbers and the like are written as Go does.
func scalar(n *yaml.Node, look Lookup) (string, error) {
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
func (r *serviceReader) labelFiles(parts []definition) error {
	all := map[string]string{} // what those before define
	for _, d := range parts {
		n := child(d.node, "label_file")
		if isNull(n) {
			continue
		}
		if n.Kind != yaml.ScalarNode && n.Kind != yaml.SequenceNode {
			return errShape
		}
		for _, name := range texts(n, d.look) {
			if !r.labelFile(absolute(d.dir, name), location{d.file, n}, all) {
				return r.problem
			}
		}
	}
	return nil
}

// labelFile reads one of them, below what the others define. It reports whether it could.
func (r *serviceReader) labelFile(path string, at location, all map[string]string) bool {
	in, shown := r.open(path), r.show(path)
	if in == nil || in.Err != nil {
		r.fail(at, r.name, fmt.Sprintf("the label_file %s cannot be read", shown), "check the name")
		return false
	}
	vars := map[string]string{}
	err := parseVariables(in.Data, vars, func(name string) (string, bool) { v, ok := all[name]; return v, ok }, "")
	if bound, ok := errors.AsType[boundError](err); ok {
		r.fail(location{file: shown}, r.name, "the labels cannot be read: "+bound.Error(), "")
		return false
	}
	if err != nil {
		r.fail(location{file: shown, node: &yaml.Node{Line: lineIn(err.Error())}}, r.name,
			"the labels cannot be read: the line is not NAME=value", "")
		return false
	}
	lines := linesOf(in.Data)
	for key, value := range vars {
		all[key] = value
		r.put(shown, key, value, lines[key])
	}
	return true
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

// swarm warns of labels where only Traefik's swarm provider looks for them.
func (r *serviceReader) swarm(d definition) {
	n := child(child(d.node, "deploy"), "labels")
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
		r.spec.problems = append(r.spec.problems, config.Problem{Severity: config.Warning, File: d.file, Line: first.Line, Service: r.name,
			Label:   name,
			Message: "labels below deploy are for Swarm only: they are ignored", Fix: "move them to the labels of the service itself"})
	}
}
