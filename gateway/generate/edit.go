package generate

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Edit writes the services' labels into a compose document: labels that are there
// are changed in place, missing ones added at the end, outdated ones of the same
// router removed. All else, comments and blank lines included, stays as it is.
// The error is an [*Error].
func Edit(file string, data []byte, services []Service) ([]byte, error) {
	for _, s := range services {
		edited, err := edit(file, data, s)
		if err == nil {
			err = verify(file, data, edited, s.Name)
		}
		if err != nil {
			return nil, err
		}
		data = edited
	}
	return data, nil
}

// block is where a service's labels stand, in lines from 0.
type block struct {
	lines   []string // of the whole document
	indent  string   // of a label
	list    bool     // "- key=value" rather than "key: value"
	labels  []found
	insert  int    // line before which a label is added
	missing string // the line "labels:" where it has to be added
}

// found is a label that is there.
type found struct {
	key, value string
	line       int
}

func edit(file string, data []byte, s Service) ([]byte, error) {
	b, err := locate(file, data, s.Name)
	if err != nil {
		return nil, err
	}
	wanted := s.Labels()
	replaced := map[int]string{} // new text by line
	removed := map[int]bool{}
	done := map[string]bool{}
	for _, f := range b.labels {
		if !s.owns(f.key) {
			continue
		}
		i := slices.IndexFunc(wanted, func(l Label) bool { return strings.EqualFold(l.Key, f.key) })
		if i < 0 || done[wanted[i].Key] {
			b.drop(removed, f.line)
			continue
		}
		done[wanted[i].Key] = true
		if strings.ReplaceAll(f.value, "$$", "$") != wanted[i].Value {
			b.drop(removed, f.line)
			replaced[f.line] = b.line(wanted[i]) + comment(b.lines[f.line])
		}
	}
	var added []string
	for _, l := range wanted {
		if !done[l.Key] {
			added = append(added, b.line(l))
		}
	}
	if len(added) > 0 && b.missing != "" {
		added = append([]string{b.missing}, added...)
	}
	return b.apply(replaced, removed, added), nil
}

func (b *block) apply(replaced map[int]string, removed map[int]bool, added []string) []byte {
	var out []string
	for i := range len(b.lines) + 1 {
		if i == b.insert {
			out = append(out, added...)
		}
		text, ok := replaced[i]
		switch {
		case ok:
			out = append(out, text)
		case i < len(b.lines) && !removed[i]:
			out = append(out, b.lines[i])
		}
	}
	return []byte(strings.Join(out, "\n"))
}

// drop marks a label's lines: its value may go on below it.
func (b *block) drop(removed map[int]bool, line int) {
	for i := line; i < b.end(line); i++ {
		removed[i] = true
	}
}

func (b *block) line(l Label) string {
	if b.list {
		return b.indent + "- " + quote(l.Key+"="+l.Value)
	}
	return b.indent + l.Key + ": " + quote(l.Value)
}

// quote writes a YAML string. Backticks and the like begin no plain one; a $ would
// be a variable of compose's.
func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "$", "$$").Replace(s) + `"`
}

// comment is what stands behind a label, with the blank before it.
func comment(line string) string {
	quote := byte(0)
	for i := range len(line) {
		switch c := line[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '#' && i > 0 && (line[i-1] == ' ' || line[i-1] == '\t'):
			start := len(strings.TrimRight(line[:i], " \t"))
			return line[start:]
		}
	}
	return ""
}

func locate(file string, data []byte, name string) (*block, error) {
	var doc yaml.Node
	if err := yaml.NewDecoder(bytes.NewReader(data)).Decode(&doc); err != nil {
		return nil, &Error{File: file, Message: "the YAML is malformed: " + strings.Join(strings.Fields(err.Error()), " ")}
	}
	if len(doc.Content) == 0 {
		return nil, &Error{File: file, Message: "the file is empty", hint: "add the service to it first"}
	}
	services, _ := entry(doc.Content[0], "services")
	service, key := entry(services, name)
	if service == nil {
		return nil, &Error{File: file, Message: fmt.Sprintf("there is no service %q", name),
			hint: "add it to the file, or correct its name in the list"}
	}
	if service.Kind != yaml.MappingNode || service.Style&yaml.FlowStyle != 0 || len(service.Content) == 0 {
		return nil, &Error{File: file, Line: key.Line, Message: fmt.Sprintf("the service %q is not written as a block", name),
			hint: "write its keys on lines of their own"}
	}
	b := &block{lines: strings.Split(string(data), "\n")}
	column := strings.Repeat(" ", service.Content[0].Column-1)
	labels, at := entry(service, "labels")
	if labels == nil || labels.Kind == yaml.ScalarNode && labels.Tag == "!!null" {
		b.indent, b.insert, b.missing = column+"  ", b.end(last(service)), column+"labels:"
		if at != nil {
			b.insert, b.missing = at.Line, ""
		}
		return b, nil
	}
	if labels.Kind == yaml.AliasNode || labels.Style&yaml.FlowStyle != 0 || len(labels.Content) == 0 {
		return nil, &Error{File: file, Line: at.Line, Message: fmt.Sprintf("the labels of %q are not written as a block", name),
			hint: "write each label on a line of its own"}
	}
	b.list = labels.Kind == yaml.SequenceNode
	b.indent = strings.Repeat(" ", indentOf(b.lines[labels.Content[0].Line-1]))
	b.find(labels)
	b.insert = b.end(last(labels))
	return b, nil
}

// find lists the labels that are there.
func (b *block) find(labels *yaml.Node) {
	for i, n := range labels.Content {
		switch {
		case b.list:
			key, value, _ := strings.Cut(n.Value, "=")
			b.labels = append(b.labels, found{key, value, n.Line - 1})
		case i%2 == 0:
			b.labels = append(b.labels, found{n.Value, labels.Content[i+1].Value, n.Line - 1})
		}
	}
}

// entry is a mapping's value and key of that name, or nil.
func entry(n *yaml.Node, name string) (value, key *yaml.Node) {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil, nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return n.Content[i+1], n.Content[i]
		}
	}
	return nil, nil
}

// last is the line, from 0, on which a node's last part begins.
func last(n *yaml.Node) int {
	line := n.Line - 1
	for _, c := range n.Content {
		line = max(line, last(c))
	}
	return line
}

// end is the line after a part that begins on this one: texts may go on for
// several lines, which are indented deeper or blank.
func (b *block) end(line int) int {
	depth := indentOf(b.lines[line])
	end := line + 1
	for i := end; i < len(b.lines); i++ {
		text := strings.TrimSpace(b.lines[i])
		if text == "" {
			continue
		}
		if indentOf(b.lines[i]) <= depth {
			break
		}
		end = i + 1
	}
	return end
}

func indentOf(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }
