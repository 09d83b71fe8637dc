package document

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"go.yaml.in/yaml/v4"
)

// fromYAML reads the first document, as Traefik does.
func fromYAML(data []byte) (*Node, error) {
	var doc yaml.Node
	err := yaml.NewDecoder(bytes.NewReader(data)).Decode(&doc)
	if errors.Is(err, io.EOF) || (err == nil && len(doc.Content) == 0) {
		return &Node{}, nil
	}
	if err != nil {
		line, message, hint := MalformedYAML(data, err)
		return nil, &fault{line, message, hint}
	}
	y := &fromNodes{}
	return y.convert("", doc.Content[0].Line, 0, doc.Content[0])
}

// fromNodes follows the aliases and merges (<<) of YAML.
type fromNodes struct{ builder }

func (y *fromNodes) convert(name string, line, depth int, from *yaml.Node) (*Node, error) {
	for from.Kind == yaml.AliasNode {
		from = from.Alias
	}
	switch from.Kind {
	case yaml.MappingNode:
		n, err := y.node(name, line, depth, Mapping)
		if err != nil {
			return nil, err
		}
		return n, y.entries(n, depth, from)
	case yaml.SequenceNode:
		n, err := y.node(name, line, depth, Sequence)
		if err != nil {
			return nil, err
		}
		for i, item := range from.Content {
			child, err := y.convert(fmt.Sprintf("[%d]", i), item.Line, depth+1, item)
			if err != nil {
				return nil, err
			}
			n.Children = append(n.Children, child)
		}
		return n, nil
	}
	switch tag := from.ShortTag(); tag {
	case "!!null":
		return y.node(name, line, depth, Null)
	case "!!int", "!!float", "!!bool":
		var v any
		if err := from.Decode(&v); err != nil {
			return nil, &fault{line, fmt.Sprintf("%q cannot be read", from.Value), ""}
		}
		return y.scalar(name, line, depth, text(v))
	default:
		return y.scalar(name, line, depth, from.Value)
	}
}

// entries adds a mapping's own keys, and those merged into it that it has not.
func (y *fromNodes) entries(n *Node, depth int, from *yaml.Node) error {
	seen := map[string]bool{}
	var merges []*yaml.Node
	for i := 0; i+1 < len(from.Content); i += 2 {
		key, value := from.Content[i], from.Content[i+1]
		for key.Kind == yaml.AliasNode {
			key = key.Alias
		}
		if key.ShortTag() == "!!merge" {
			merges = append(merges, value)
			continue
		}
		if key.Kind != yaml.ScalarNode {
			return &fault{key.Line, "a key is not plain text", ""}
		}
		if err := twice(seen, key.Value, key.Line); err != nil {
			return err
		}
		child, err := y.convert(key.Value, key.Line, depth+1, value)
		if err != nil {
			return err
		}
		n.Children = append(n.Children, child)
	}
	for _, m := range merges {
		if err := y.merge(n, depth, m, seen); err != nil {
			return err
		}
	}
	return nil
}

// merge adds the keys of what << names: a mapping, or several.
func (y *fromNodes) merge(n *Node, depth int, from *yaml.Node, seen map[string]bool) error {
	merged, err := y.convert("<<", from.Line, depth+1, from)
	if err != nil {
		return err
	}
	sources := []*Node{merged}
	if merged.Kind == Sequence {
		sources = merged.Children
	}
	for _, source := range sources {
		if source.Kind != Mapping {
			return &fault{from.Line, "<< is for mappings", ""}
		}
		for _, c := range source.Children {
			if !seen[c.Name] {
				seen[c.Name] = true
				n.Children = append(n.Children, c)
			}
		}
	}
	return nil
}
