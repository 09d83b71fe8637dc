package compose

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"axion/gateway/config"
	yamlfile "axion/gateway/dynamic/document"

	"go.yaml.in/yaml/v4"
)

// parsedFile is a compose file as YAML nodes.
type parsedFile struct {
	roots []*yaml.Node // mappings; a file may hold several documents
}

// topLevel are the keys of a compose file, besides x-….
var topLevel = map[string]bool{
	"name": true, "version": true, "services": true, "networks": true, "volumes": true,
	"secrets": true, "configs": true, "include": true, "models": true, "jobs": true,
}

// parse reads the YAML and refuses what is plainly no compose file.
func parse(file string, data []byte) (*parsedFile, *config.Problem) {
	fail := func(line int, message, hint string) (*parsedFile, *config.Problem) {
		return nil, &config.Problem{Severity: config.Error, File: file, Line: line, Message: message, Fix: hint}
	}
	out := &parsedFile{}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var n yaml.Node
		err := decoder.Decode(&n)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			line, message, hint := yamlfile.MalformedYAML(data, err)
			return fail(line, "the YAML is malformed: "+message, hint)
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
	w := &aliasBudget{weight: map[*yaml.Node]int{}, file: file}
	c := &checker{file: file, near: map[string]string{}}
	for _, root := range out.roots {
		if p := w.check(root, 0); p != nil {
			return nil, p
		}
		if c.root(root); c.problem != nil {
			return nil, c.problem
		}
	}
	return out, nil
}

// checker refuses misspelt keys, which compose's loader would pass over.
type checker struct {
	file    string
	near    map[string]string // by key of a service, what it was meant to be
	problem *config.Problem   // the first
}

func (c *checker) fail(n *yaml.Node, service, message, hint string) {
	if c.problem == nil {
		c.problem = &config.Problem{Severity: config.Error, File: c.file, Line: n.Line, Service: service, Message: message, Fix: hint}
	}
}

func (c *checker) root(root *yaml.Node) {
	each(root, func(key, value *yaml.Node) {
		switch {
		case strings.HasPrefix(key.Value, "x-"):
		case !topLevel[key.Value]:
			names := make([]string, 0, len(topLevel))
			for name := range topLevel {
				names = append(names, name)
			}
			c.fail(key, "", fmt.Sprintf("%q is not a key of compose files", key.Value), meant(key.Value, names))
		case key.Value == "services" && value.Kind != yaml.MappingNode && !isNull(value) && !isTagged(value):
			c.fail(value, "", "services is not a mapping of names to services", "")
		case key.Value == "services":
			each(value, c.service)
		}
	})
}

func (c *checker) service(name, service *yaml.Node) {
	if name.Kind != yaml.ScalarNode || name.ShortTag() != "!!str" {
		c.fail(name, "", fmt.Sprintf("the name of the service, %s, is no text", name.Value), "put it in quotes")
	}
	if service == nil || service.Kind != yaml.MappingNode {
		if service != nil && !isNull(service) && !isTagged(service) {
			c.fail(service, name.Value, "the service is not a mapping", "")
		}
		return
	}
	c.ports(name, child(service, "ports"))
	each(service, func(key, _ *yaml.Node) {
		near, ok := c.near[key.Value]
		if !ok {
			near = config.Nearest(key.Value, checkedKeys)
			c.near[key.Value] = near
		}
		if near != "" && near != key.Value {
			c.fail(key, name.Value, fmt.Sprintf("%q is not a key of services", key.Value), meant(key.Value, checkedKeys))
		}
	})
}

// ports refuses ranges that make more ports than there are: each one becomes a
// structure.
func (c *checker) ports(name, list *yaml.Node) {
	total := 0
	each(list, func(entry, _ *yaml.Node) {
		if entry.Kind == yaml.MappingNode {
			entry = child(entry, "published")
		}
		if entry == nil {
			return
		}
		for text := range strings.FieldsFuncSeq(entry.Value, func(r rune) bool { return r == ':' || r == '/' }) {
			low, high, _ := strings.Cut(text, "-")
			from, err := strconv.Atoi(low)
			to, err2 := strconv.Atoi(high)
			if err == nil && err2 == nil && to > from {
				total += to - from
			}
		}
		if total > 2*maxPorts { // of the host, and of the container
			c.fail(entry, name.Value, fmt.Sprintf("the service has more than %d ports", maxPorts), "")
		}
	})
}

// checkedKeys are the keys of services that must not be passed over for a slip.
var checkedKeys = []string{"labels", "ports", "expose"}

func meant(word string, candidates []string) string {
	if near := config.Nearest(word, candidates); near != "" {
		return "did you mean " + near + "?"
	}
	return ""
}

var lineNumber = regexp.MustCompile(`line (\d+)`)

// lineIn is the line number that a message mentions, or 0.
func lineIn(message string) int {
	m := lineNumber.FindStringSubmatch(message)
	if m == nil {
		return 0
	}
	n, _ := strconv.Atoi(m[1])
	return n
}
