// Package document reads the YAML, TOML and JSON of Traefik's configuration
// files into structures, and gives each mistake the line it is on.
package document

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"axion/gateway/config"
)

const (
	// MaxBytes is how long a file may be.
	MaxBytes = 4 << 20
	// maxNodes and maxDepth bound what aliases may blow a file up to.
	maxNodes = 1 << 17
	maxDepth = 64
)

// Kind is what a [Node] holds.
type Kind int

// The kinds of a [Node]. Null is a key without a value.
const (
	Null Kind = iota
	Scalar
	Mapping
	Sequence
)

// Node is a value of a file, and where it stands.
type Node struct {
	Name     string // its key, or "[0]" and so on in a sequence
	Line     int    // of the key, from 1; 0 where unknown
	Kind     Kind
	Value    string  // of a Scalar
	Children []*Node // of a Mapping or Sequence, in the file's order
}

// fault is a mistake in the form of a file.
type fault struct {
	line int
	text string
	hint string
}

func (f *fault) Error() string { return f.text }

// Parse reads a file whose form the ending of its name says: .toml, .json, or
// else YAML. An empty file is a Null. The problem's File is name.
func Parse(name string, data []byte) (*Node, *config.Problem) {
	if len(data) > MaxBytes {
		return nil, &config.Problem{Severity: config.Error, File: name, Message: fmt.Sprintf("the file is longer than %d MiB", MaxBytes>>20)}
	}
	parse, form := fromYAML, "YAML"
	switch strings.ToLower(filepath.Ext(name)) {
	case ".toml":
		parse, form = fromTOML, "TOML"
	case ".json":
		parse, form = fromJSON, "JSON"
	}
	root, err := parse(data)
	if err == nil {
		return root, nil
	}
	p := &config.Problem{Severity: config.Error, File: name, Message: fmt.Sprintf("the %s is malformed: %s", form, err)}
	if f, ok := errors.AsType[*fault](err); ok {
		p.Line, p.Fix = f.line, f.hint
	}
	return nil, p
}

// Child is the entry of that name, case aside, or nil.
func (n *Node) Child(name string) *Node {
	if n == nil || n.Kind != Mapping {
		return nil
	}
	for _, c := range n.Children {
		if strings.EqualFold(c.Name, name) {
			return c
		}
	}
	return nil
}

// At follows names down, or is nil.
func (n *Node) At(names ...string) *Node {
	for _, name := range names {
		n = n.Child(name)
	}
	return n
}

// Walk calls f with every node below n and its path, such as "http.routers.x".
func (n *Node) Walk(f func(path string, n *Node)) { n.walk("", f) }

func (n *Node) walk(path string, f func(string, *Node)) {
	for _, c := range n.Children {
		at := join(path, c.Name)
		if n.Kind == Sequence {
			at = path + c.Name
		}
		f(at, c)
		c.walk(at, f)
	}
}

// Remove takes an entry out.
func (n *Node) Remove(child *Node) {
	kept := n.Children[:0:0]
	for _, c := range n.Children {
		if c != child {
			kept = append(kept, c)
		}
	}
	n.Children = kept
}

// Find calls f with the way to every node that a path such as
// "http.routers.*.tls" leads to, case aside: from n itself to that node. F may
// take out nodes of it.
func (n *Node) Find(path string, f func(way []*Node)) {
	n.find(strings.Split(path, "."), nil, f)
}

func (n *Node) find(names []string, way []*Node, f func([]*Node)) {
	way = append(way, n)
	if len(names) == 0 {
		f(way)
		return
	}
	for _, c := range n.Children {
		if names[0] == "*" || strings.EqualFold(c.Name, names[0]) {
			c.find(names[1:], way, f)
		}
	}
}

// builder makes nodes, not too many of them.
type builder struct{ nodes int }

func (b *builder) node(name string, line, depth int, kind Kind) (*Node, error) {
	if b.nodes++; b.nodes > maxNodes {
		return nil, &fault{line, fmt.Sprintf("it holds more than %d values", maxNodes), ""}
	}
	if depth > maxDepth {
		return nil, &fault{line, fmt.Sprintf("it is nested deeper than %d levels", maxDepth), ""}
	}
	return &Node{Name: name, Line: line, Kind: kind}, nil
}

func (b *builder) scalar(name string, line, depth int, text string) (*Node, error) {
	if strings.Contains(text, separator) {
		return nil, &fault{line, "a value holds a NUL character", ""}
	}
	n, err := b.node(name, line, depth, Scalar)
	if err == nil {
		n.Value = text
	}
	return n, err
}

// twice refuses a key that a mapping has already.
func twice(seen map[string]bool, name string, line int) error {
	if seen[name] {
		return &fault{line, fmt.Sprintf("the key %q is there twice", name), ""}
	}
	seen[name] = true
	return nil
}
