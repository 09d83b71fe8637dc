package provider

import (
	"bytes"
	"errors"
	"fmt"
	"io"
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
		return fail(0, "the file is empty", "to do without its routes, write services: {} into it")
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

// lines finds the line of each label, by service.
func (o *outline) lines(look lookup) map[string]map[string]int {
	all := map[string]map[string]int{}
	for _, root := range o.roots {
		each(child(root, "services"), func(service, n *yaml.Node) {
			lines := map[string]int{}
			each(child(n, "labels"), func(key, _ *yaml.Node) {
				name, err := substitute(key.Value, look)
				if err != nil {
					name = key.Value
				}
				name, _, _ = strings.Cut(name, "=")
				lines[name] = key.Line
			})
			all[service.Value] = lines
		})
	}
	return all
}
