package api

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"

	"axion/gateway/secret"

	"go.yaml.in/yaml/v4"
)

var (
	// labelName matches the name of a label of Traefik's, which may hold variables.
	labelName = regexp.MustCompile(`^(?i:traefik)\.(?:\$\{\w+\}|\$\w+|[\w.\-\[\]])+$`)
	// keyName matches keys that are shown.
	keyName = regexp.MustCompile(`^[\pL\w.\-\[\]]+$`)
	// furtherKey is one more key in a value, which may be a slip.
	furtherKey = regexp.MustCompile(`,\s*["']?[\w.\-]+["']?\s*[:=]`)
)

var (
	// routingKeys are the keys whose values say where requests go.
	routingKeys = []string{
		"rule", "ruleSyntax", "service", "entryPoints", "entrypoints", "priority", "middlewares", "url", "address", "scheme", "port",
		"ports", "expose", "image", "container_name", "hostname", "networks", "profiles", "prefix", "prefixes", "weight", "passHostHeader",
		"certResolver", "passthrough",
	}
	// freeKeys are the keys below which a key may be called like one of those and mean
	// something else.
	freeKeys = []string{"environment", "args", "configs", "secrets", "content", "customrequestheaders", "customresponseheaders", "headers"}
	// assigningKeys have items NAME=value; elsewhere what looks like a name may be a secret.
	assigningKeys = []string{"environment", "labels", "args"}
	// namingKeys are the keys below which names are chosen, even one of freeKeys.
	namingKeys = []string{"services", "routers", "middlewares"}
)

// node is an entry of a mapping or an item of a list, with what it is within.
type node struct {
	key    *yaml.Node // nil for an item
	value  *yaml.Node
	in     string // the key that it is within
	closed bool   // names may be anybody's there
}

// nodeAt is the outermost node that starts at a line of a YAML file, from 1; false where
// there is none, or where the file is malformed.
func nodeAt(data []byte, line int) (node, bool) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var found node
	ok := false
	for {
		var document yaml.Node
		err := decoder.Decode(&document)
		switch {
		case errors.Is(err, io.EOF):
			return found, ok
		case err != nil:
			return node{}, false
		case !ok && len(document.Content) == 1:
			found, ok = node{value: document.Content[0]}.find(line)
		}
	}
}

// find looks for the node that starts at a line.
func (n node) find(line int) (node, bool) {
	for _, c := range n.children() {
		if c.line() == line {
			return c, true
		}
		if found, ok := c.find(line); ok {
			return found, true
		}
	}
	return node{}, false
}

func (n node) line() int {
	if n.key != nil {
		return n.key.Line
	}
	return n.value.Line
}

// children are the entries or items of the value.
func (n node) children() []node {
	var list []node
	in, closed := n.in, n.closed
	if n.key != nil {
		in = n.key.Value
		if !slices.Contains(namingKeys, n.in) {
			closed = closed || strings.HasPrefix(in, "x-") || slices.Contains(freeKeys, strings.ToLower(in))
		}
	}
	switch n.value.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.value.Content); i += 2 {
			list = append(list, node{key: n.value.Content[i], value: n.value.Content[i+1], in: in, closed: closed})
		}
	case yaml.SequenceNode:
		for _, item := range n.value.Content {
			list = append(list, node{value: item, in: in, closed: closed})
		}
	}
	return list
}

// show writes the node into lines, of which the first has the given number; what stands
// beyond them is left out.
func (n node) show(lines []string, first int) {
	if n.key == nil && n.value.Kind == yaml.ScalarNode {
		put(lines, n.value.Line-first, n.value.Column-3, "- "+n.item())
	}
	if n.key != nil {
		text := keyText(n.key) + ":"
		if n.value.Kind == yaml.ScalarNode {
			text += " " + n.text()
		}
		put(lines, n.key.Line-first, n.key.Column-1, text)
	}
	for _, c := range n.children() {
		c.show(lines, first)
	}
}

// put writes a text into a line, after those of the same line.
func put(lines []string, at, indent int, text string) {
	switch {
	case at < 0 || at >= len(lines):
	case lines[at] != "":
		lines[at] += " " + text
	default:
		lines[at] = strings.Repeat(" ", max(indent, 0)) + text
	}
}

func keyText(key *yaml.Node) string {
	if key.Kind == yaml.ScalarNode && (keyName.MatchString(key.Value) || labelName.MatchString(key.Value) || key.Value == "<<") {
		return key.Value
	}
	return secret.Hidden
}

// text is the value of an entry as it may be shown.
func (n node) text() string {
	text, key := oneLine(n.value.Value), n.key.Value
	switch {
	case text == "":
		return ""
	case n.key.Kind != yaml.ScalarNode:
		return secret.Hidden
	case labelName.MatchString(key):
		return labelValue(key, text)
	case n.closed || !slices.Contains(routingKeys, key):
		return secret.Hidden
	}
	return plainValue(key, text)
}

// item is an item of a list as it may be shown.
func (n node) item() string {
	text := oneLine(n.value.Value)
	name, value, assigned := strings.Cut(text, "=")
	switch {
	case labelName.MatchString(name) && assigned:
		return name + "=" + labelValue(name, value)
	case labelName.MatchString(text):
		return text
	case assigned && slices.Contains(assigningKeys, n.in) && keyName.MatchString(name) && value != "":
		return name + "=" + secret.Hidden
	case n.closed || !slices.Contains(routingKeys, n.in):
		return secret.Hidden
	}
	return plainValue(n.in, text)
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// plainValue shows a value that is not secret by its name.
func plainValue(name, text string) string {
	if furtherKey.MatchString(text) {
		return secret.Hidden
	}
	if name == "rule" {
		text = secret.Rule(text)
	}
	return secret.Value(text, false)
}

// labelValue is the value of a label as it may be shown. The names that routers and
// middlewares were given do not count: many are called auth.
func labelValue(name, value string) string {
	parts := strings.Split(strings.ToLower(name), ".")
	if len(parts) > 4 {
		parts = parts[4:]
	}
	for i, part := range parts {
		if i > 0 && freeHeaders(parts[i-1], part) || freeHeaders("", part) {
			return secret.Header(strings.Join(parts[i+1:], "."), value)
		}
		last := parts[len(parts)-1]
		switch part, _, _ = strings.Cut(part, "["); {
		case part == "basicauth" || part == "digestauth": // whose users may be misspelt
			return secret.Value(value, last != "realm" && last != "removeheader" && last != "headerfield")
		case secret.Name(part):
			return secret.Value(value, true)
		}
	}
	return plainValue(parts[len(parts)-1], value)
}
