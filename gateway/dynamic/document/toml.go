package document

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

func fromTOML(data []byte) (*Node, error) {
	if err := checkTOMLKeys(data); err != nil {
		return nil, err
	}
	var values map[string]any
	if err := toml.Unmarshal(data, &values); err != nil {
		line := 0
		if e, ok := errors.AsType[*toml.DecodeError](err); ok {
			line, _ = e.Position()
		}
		return nil, &fault{line, strings.TrimPrefix(err.Error(), "toml: "), ""}
	}
	if len(values) == 0 {
		return &Node{}, nil
	}
	t := &tomlReader{at: tomlLines(data)}
	return t.convert("", "", 1, 0, values)
}

// checkTOMLKeys refuses dotted keys that nest deeper than a file may, before they
// are decoded: that takes time that grows with their square.
func checkTOMLKeys(data []byte) error {
	p, at := &unstable.Parser{}, newLines(data)
	p.Reset(data)
	for p.NextExpression() {
		if offset, deep := deepKey(p.Expression(), 0); deep {
			return &fault{at.of(offset), fmt.Sprintf("it is nested deeper than %d levels", maxDepth), ""}
		}
	}
	return nil // what is malformed the decoder says
}

// deepKey finds a key, in a value too, that has too many parts, and where it is.
func deepKey(e *unstable.Node, depth int) (offset int, deep bool) {
	switch e.Kind {
	case unstable.Table, unstable.ArrayTable, unstable.KeyValue:
		for parts := e.Key(); parts.Next(); {
			offset = int(parts.Node().Raw.Offset)
			if depth++; depth > maxDepth {
				return offset, true
			}
		}
		if e.Kind == unstable.KeyValue {
			return deepKey(e.Value(), depth)
		}
	case unstable.InlineTable, unstable.Array:
		for items := e.Children(); items.Next(); {
			if offset, deep = deepKey(items.Node(), depth+1); deep {
				return offset, true
			}
		}
	}
	return 0, depth > maxDepth
}

// tomlReader puts what was decoded and where it stands together.
type tomlReader struct {
	builder
	at map[string]int // line by path
}

func (t *tomlReader) convert(name, path string, line, depth int, value any) (*Node, error) {
	if l := t.at[path]; l > 0 {
		line = l
	}
	switch v := value.(type) {
	case map[string]any:
		n, err := t.node(name, line, depth, Mapping)
		for _, key := range slices.Sorted(maps.Keys(v)) {
			var child *Node
			if err == nil {
				child, err = t.convert(key, path+separator+key, line, depth+1, v[key])
			}
			if err != nil {
				return nil, err
			}
			n.Children = append(n.Children, child)
		}
		slices.SortStableFunc(n.Children, func(a, b *Node) int { return a.Line - b.Line })
		return n, nil
	case []any:
		n, err := t.node(name, line, depth, Sequence)
		for i, item := range v {
			var child *Node
			index := fmt.Sprintf("[%d]", i)
			if err == nil {
				child, err = t.convert(index, path+separator+index, line, depth+1, item)
			}
			if err != nil {
				return nil, err
			}
			n.Children = append(n.Children, child)
		}
		return n, err
	default:
		return t.scalar(name, line, depth, text(v))
	}
}

// tomlLines finds the first line of every path of a well-formed file.
func tomlLines(data []byte) map[string]int {
	s := &tomlScan{at: map[string]int{}, tables: map[string]int{}, lines: newLines(data)}
	p := &unstable.Parser{}
	p.Reset(data)
	for p.NextExpression() {
		switch e := p.Expression(); e.Kind {
		case unstable.Table:
			s.table = s.key("", e.Key())
		case unstable.ArrayTable:
			path := s.key("", e.Key())
			s.tables[path]++
			s.table = fmt.Sprintf("%s%s[%d]", path, separator, s.tables[path]-1)
			s.note(s.table, s.last)
		case unstable.KeyValue:
			s.entry(s.table, e)
		}
	}
	return s.at
}

type tomlScan struct {
	at     map[string]int
	tables map[string]int // how many [[path]] there were so far
	table  string         // the path that keys belong to
	last   int            // line of the last key
	lines  lines
}

func (s *tomlScan) note(path string, line int) {
	if _, ok := s.at[path]; !ok {
		s.at[path] = line
	}
}

// key is the path of a dotted key; an array of tables on it means its last one.
func (s *tomlScan) key(path string, parts unstable.Iterator) string {
	for parts.Next() {
		if n := s.tables[path]; n > 0 {
			path = fmt.Sprintf("%s%s[%d]", path, separator, n-1)
		}
		part := parts.Node()
		path += separator + string(part.Data)
		s.last = s.lines.of(int(part.Raw.Offset))
		s.note(path, s.last)
	}
	return path
}

func (s *tomlScan) entry(table string, e *unstable.Node) {
	s.value(s.key(table, e.Key()), e.Value())
}

func (s *tomlScan) value(path string, v *unstable.Node) {
	items := v.Children()
	switch v.Kind {
	case unstable.InlineTable:
		for items.Next() {
			s.entry(path, items.Node())
		}
	case unstable.Array:
		for i := 0; items.Next(); i++ {
			s.value(fmt.Sprintf("%s%s[%d]", path, separator, i), items.Node())
		}
	}
}
