package provider

import "go.yaml.in/yaml/v4"

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
