package compose

import (
	"fmt"
	"slices"
	"strings"

	"axion/gateway/config"

	"go.yaml.in/yaml/v4"
)

// each calls f with the entries of a mapping, those merged by << first, or with
// the items of a sequence as keys. A key may come several times: the last counts.
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
		for _, merged := range merges(n) {
			each(merged, f)
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			if !isMerge(n.Content[i]) {
				f(n.Content[i], resolve(n.Content[i+1]))
			}
		}
	}
}

func isMerge(key *yaml.Node) bool { return key.Value == "<<" && key.ShortTag() == "!!merge" }

// merges are the mappings that one takes in by <<, the least important first.
func merges(n *yaml.Node) []*yaml.Node {
	var list []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		if !isMerge(n.Content[i]) {
			continue
		}
		merged := resolve(n.Content[i+1])
		if merged.Kind == yaml.MappingNode {
			list = append(list, merged)
			continue
		}
		for _, item := range slices.Backward(merged.Content) {
			if m := resolve(item); merged.Kind == yaml.SequenceNode && m.Kind == yaml.MappingNode {
				list = append(list, m)
			}
		}
	}
	return list
}

// child is a mapping's value, or nil.
func child(n *yaml.Node, name string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := len(n.Content) - 2; i >= 0; i -= 2 {
		if n.Content[i].Value == name && !isMerge(n.Content[i]) {
			return resolve(n.Content[i+1])
		}
	}
	for _, merged := range slices.Backward(merges(n)) {
		if found := child(merged, name); found != nil {
			return found
		}
	}
	return nil
}

// resolve follows a document or an alias to what it holds.
func resolve(n *yaml.Node) *yaml.Node {
	switch {
	case n.Kind == yaml.AliasNode && n.Alias != nil:
		return n.Alias
	case n.Kind == yaml.DocumentNode && len(n.Content) > 0:
		return n.Content[0]
	}
	return n
}

// isNull reports whether there is nothing at a node.
func isNull(n *yaml.Node) bool {
	return n == nil || n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null"
}

// isTagged reports whether a node, or one below, has a tag of its own, such as
// compose's !reset. It does not look below aliases, which may lead in circles.
func isTagged(n *yaml.Node) bool {
	if n == nil {
		return false
	}
	if n.Kind == yaml.AliasNode {
		return hasTag(n.Alias)
	}
	return hasTag(n) || slices.ContainsFunc(n.Content, isTagged)
}

func hasTag(n *yaml.Node) bool {
	return n != nil && strings.HasPrefix(n.Tag, "!") && !strings.HasPrefix(n.Tag, "!!")
}

// maxMerged bounds how many mappings one may take in by <<, at every remove.
const maxMerged = 1000

// aliasBudget finds mappings that merge themselves, or so many that reading them
// would never end.
type aliasBudget struct {
	weight map[*yaml.Node]int
	file   string
}

// maxLevels bounds how deep a document nests: compose's loader takes time that
// grows with its square, and the stack is not endless.
const maxLevels = 100

// check looks at all mappings of a document.
func (w *aliasBudget) check(n *yaml.Node, level int) *config.Problem {
	if level > maxLevels {
		return &config.Problem{Severity: config.Error, File: w.file, Line: n.Line,
			Message: fmt.Sprintf("the file is nested deeper than %d levels", maxLevels)}
	}
	if again, line := duplicate(n); again != nil {
		return &config.Problem{Severity: config.Error, File: w.file, Line: again.Line,
			Message: fmt.Sprintf("the key %q is there already, in line %d", again.Value, line), Fix: "remove one of them"}
	}
	if n.Kind == yaml.MappingNode && w.weigh(n) > maxMerged {
		return &config.Problem{Severity: config.Error, File: w.file, Line: n.Line,
			Message: fmt.Sprintf("excessive aliasing: the mapping merges itself, or more than %d others", maxMerged)}
	}
	for _, c := range n.Content {
		if p := w.check(c, level+1); p != nil {
			return p
		}
	}
	return nil
}

// duplicate is a key that a mapping has twice, and the line of the first.
func duplicate(n *yaml.Node) (again *yaml.Node, line int) {
	if n.Kind != yaml.MappingNode {
		return nil, 0
	}
	lines := make(map[string]int, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Kind != yaml.ScalarNode || isMerge(key) {
			continue
		}
		if first, ok := lines[key.Value]; ok {
			return key, first
		}
		lines[key.Value] = key.Line
	}
	return nil, 0
}

func (w *aliasBudget) weigh(n *yaml.Node) int {
	list := merges(n)
	if len(list) == 0 {
		return 1
	}
	if known, ok := w.weight[n]; ok {
		return known
	}
	w.weight[n] = maxMerged + 1 // where it comes by again meanwhile, it merges itself
	sum := 1
	for _, m := range list {
		sum = min(sum+w.weigh(m), maxMerged+1)
	}
	w.weight[n] = sum
	return sum
}
