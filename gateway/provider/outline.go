package provider

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"axion/gateway/config"

	"go.yaml.in/yaml/v4"
)

// outline is a compose document as YAML nodes: where things stand, which the
// loaded project no longer tells.
type outline struct {
	roots []*yaml.Node // mappings; a file may hold several documents
}

// topLevel are the keys of a compose file, besides x-….
var topLevel = map[string]bool{
	"name": true, "version": true, "services": true, "networks": true, "volumes": true,
	"secrets": true, "configs": true, "include": true, "models": true,
}

// parseOutline reads the YAML and refuses what is plainly no compose file.
func parseOutline(file string, data []byte) (*outline, *config.Problem) {
	fail := func(line int, message, hint string) (*outline, *config.Problem) {
		return nil, &config.Problem{Severity: config.Error, File: file, Line: line, Message: message, Hint: hint}
	}
	out := &outline{}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var n yaml.Node
		err := decoder.Decode(&n)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fail(lineIn(err.Error()), "the YAML is malformed: "+plain(err.Error()), "")
		}
		root := resolve(&n)
		if root.Kind != yaml.MappingNode {
			return fail(root.Line, "this is not a compose file: its top level is no mapping", "a compose file starts with services:")
		}
		out.roots = append(out.roots, root)
	}
	if len(out.roots) == 0 {
		return fail(0, "the file is empty", "remove the file to remove its routes")
	}
	for _, root := range out.roots {
		if p := checkRoot(file, root); p != nil {
			return nil, p
		}
	}
	return out, nil
}

// checkRoot refuses misspelt keys, which the loader would pass over.
func checkRoot(file string, root *yaml.Node) *config.Problem {
	fail := func(n *yaml.Node, service, message, hint string) *config.Problem {
		return &config.Problem{Severity: config.Error, File: file, Line: n.Line, Service: service, Message: message, Hint: hint}
	}
	var problem *config.Problem
	each(root, func(key, value *yaml.Node) {
		switch {
		case problem != nil || strings.HasPrefix(key.Value, "x-"):
		case !topLevel[key.Value]:
			names := make([]string, 0, len(topLevel))
			for name := range topLevel {
				names = append(names, name)
			}
			problem = fail(key, "", fmt.Sprintf("%q is not a key of compose files", key.Value), meant(key.Value, names))
		case key.Value == "services" && value.Kind != yaml.MappingNode && value.Tag != "!!null":
			problem = fail(value, "", "services is not a mapping of names to services", "")
		case key.Value == "services":
			problem = checkServices(value, fail)
		}
	})
	return problem
}

func checkServices(services *yaml.Node, fail func(n *yaml.Node, service, message, hint string) *config.Problem) *config.Problem {
	var problem *config.Problem
	each(services, func(name, service *yaml.Node) {
		if problem == nil && service.Kind != yaml.MappingNode && service.Tag != "!!null" {
			problem = fail(service, name.Value, "the service is not a mapping", "")
		}
		each(service, func(key, _ *yaml.Node) {
			ours := []string{"labels", "ports", "expose"}
			if near := config.Nearest(key.Value, ours); problem == nil && near != "" && near != key.Value {
				problem = fail(key, name.Value, fmt.Sprintf("%q is not a key of services", key.Value), meant(key.Value, ours))
			}
		})
	})
	return problem
}

func meant(word string, candidates []string) string {
	if near := config.Nearest(word, candidates); near != "" {
		return "did you mean " + near + "?"
	}
	return ""
}

// lines finds the line of each label of a service.
func (o *outline) lines(service string, look lookup) map[string]int {
	lines := map[string]int{}
	for _, root := range o.roots {
		each(child(child(child(root, "services"), service), "labels"), func(key, _ *yaml.Node) {
			name, err := substitute(key.Value, look)
			if err != nil {
				name = key.Value
			}
			name, _, _ = strings.Cut(name, "=")
			lines[name] = key.Line
		})
	}
	return lines
}

// each calls f with the entries of a mapping, those merged by << first, or with
// the items of a sequence as keys.
func each(n *yaml.Node, f func(key, value *yaml.Node)) {
	if n == nil {
		return
	}
	switch n.Kind {
	case yaml.SequenceNode:
		for _, item := range n.Content {
			f(resolve(item), nil)
		}
	case yaml.MappingNode:
		eachPair(n, 0, f)
	}
}

// maxMerges bounds how deep << may nest; YAML lets a mapping merge itself.
const maxMerges = 10

func eachPair(n *yaml.Node, depth int, f func(key, value *yaml.Node)) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value != "<<" || depth > maxMerges {
			continue
		}
		merged := resolve(n.Content[i+1])
		if merged.Kind == yaml.MappingNode {
			eachPair(merged, depth+1, f)
			continue
		}
		for _, item := range merged.Content {
			if m := resolve(item); merged.Kind == yaml.SequenceNode && m.Kind == yaml.MappingNode {
				eachPair(m, depth+1, f)
			}
		}
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value != "<<" {
			f(n.Content[i], resolve(n.Content[i+1]))
		}
	}
}

// child is a mapping's value, or nil.
func child(n *yaml.Node, name string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	var found *yaml.Node
	each(n, func(key, value *yaml.Node) {
		if key.Value == name {
			found = value
		}
	})
	return found
}

// resolve follows documents and aliases to what they hold.
func resolve(n *yaml.Node) *yaml.Node {
	for range maxMerges {
		switch {
		case n.Kind == yaml.AliasNode && n.Alias != nil:
			n = n.Alias
		case n.Kind == yaml.DocumentNode && len(n.Content) > 0:
			n = n.Content[0]
		default:
			return n
		}
	}
	return n
}

var (
	lineNumber  = regexp.MustCompile(`line (\d+)`)
	servicePath = regexp.MustCompile(`services\.([A-Za-z0-9_-]+)(?:\.([a-z_]+))?`)
)

// lineIn is the line number that a message mentions, or 0.
func lineIn(message string) int {
	m := lineNumber.FindStringSubmatch(message)
	if m == nil {
		return 0
	}
	n, _ := strconv.Atoi(m[1])
	return n
}

// plain takes out of a YAML error what the problem says already.
func plain(message string) string {
	message = strings.TrimPrefix(message, "yaml: ")
	if _, rest, ok := strings.Cut(message, ": "); ok && strings.HasPrefix(message, "line ") {
		message = rest
	}
	return strings.ReplaceAll(message, "\n", " ")
}

// problem puts an error of the compose loader where it belongs.
func (o *outline) problem(f *file, err error) *config.Problem {
	message := strings.ReplaceAll(err.Error(), "\n", " ")
	message = strings.TrimPrefix(message, "failed to parse "+f.name+": ")
	p := &config.Problem{Severity: config.Error, File: f.name, Line: lineIn(message), Message: message}
	m := servicePath.FindStringSubmatch(message)
	if m == nil {
		return p
	}
	p.Service = m[1]
	for _, root := range o.roots {
		if n := child(child(root, "services"), m[1]); n != nil && p.Line == 0 {
			p.Line = n.Line
			if part := child(n, m[2]); part != nil {
				p.Line = part.Line
			}
		}
	}
	return p
}
