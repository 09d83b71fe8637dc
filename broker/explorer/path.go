package explorer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/theory/jsonpath"
)

// maxPathBytes bounds the values that a path is tried on, and so the time that it takes;
// maxFilteredBytes does where it has a filter: ten conditions take as much as ten paths.
const (
	maxPathBytes     = 256 << 10
	maxFilteredBytes = 32 << 10
)

// path is a condition on a JSON value.
type path struct {
	query    *jsonpath.Path
	maxBytes int // of the values that it is tried on
	// compare is empty where it is enough that the path selects something.
	compare string
	to      any // string, float64, bool or nil
	toText  string
}

// parsePath reads a JSONPath as [parseQuery] does, or a JSONPath, one of == != < <= > >= and ~ (has in
// it), and what to compare with: a JSON scalar, or a text without quotes.
func parsePath(text string) (*path, error) {
	query, op, literal := splitComparison(text)
	if !strings.HasPrefix(query, "$") {
		query = "$." + query
	}
	parsed, filtered, err := parseQuery(query)
	if err != nil {
		return nil, err
	}
	p := &path{query: parsed, compare: op, maxBytes: maxPathBytes}
	if filtered {
		p.maxBytes = maxFilteredBytes
	}
	if op == "" {
		return p, nil
	}
	if literal == "" {
		return nil, fmt.Errorf("nothing after %s to compare with", op)
	}
	if err := json.Unmarshal([]byte(literal), &p.to); err != nil {
		p.to = literal
	}
	switch p.to.(type) {
	case map[string]any, []any:
		return nil, fmt.Errorf("%s compares with a text, a number, true, false or null", op)
	}
	p.toText = strings.ToLower(strings.Trim(literal, `"`))
	return p, nil
}

// splitComparison finds the comparison that stands outside brackets and quotes.
func splitComparison(text string) (query, op, literal string) {
	depth, quote := 0, byte(0)
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quote != 0:
			switch c {
			case '\\':
				i++
			case quote:
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '[' || c == '(':
			depth++
		case c == ']' || c == ')':
			depth--
		case depth == 0 && strings.IndexByte("=!<>~", c) >= 0:
			length := 1
			if strings.HasPrefix(text[i+1:], "=") {
				length = 2
			}
			op = text[i : i+length]
			if op == "=" {
				op = "=="
			}
			return strings.TrimSpace(text[:i]), op, strings.TrimSpace(text[i+length:])
		}
	}
	return strings.TrimSpace(text), "", ""
}

// match tries the path on a value. What is no JSON, or is too long to try, does not match.
func (p *path) match(value []byte) bool {
	if len(value) == 0 || len(value) > p.maxBytes {
		return false
	}
	decoder := json.NewDecoder(bytes.NewReader(value))
	decoder.UseNumber()
	var parsed any
	if decoder.Decode(&parsed) != nil {
		return false
	}
	nodes := p.query.Select(parsed)
	if p.compare == "" {
		return len(nodes) > 0
	}
	for _, node := range nodes {
		if p.fits(node) {
			return true
		}
	}
	return false
}

// fits compares one value that the path selected.
func (p *path) fits(node any) bool {
	switch p.compare {
	case "==":
		return same(node, p.to)
	case "!=", "!":
		return !same(node, p.to)
	case "~", "~=":
		return strings.Contains(strings.ToLower(textOf(node)), p.toText)
	}
	order, ok := compare(node, p.to)
	switch p.compare {
	case "<":
		return ok && order < 0
	case "<=":
		return ok && order <= 0
	case ">":
		return ok && order > 0
	default:
		return ok && order >= 0
	}
}

// same compares scalars. A number and a text that says it are the same: who types
// a condition does not know which of them an id is.
func same(a, b any) bool {
	if order, ok := compare(a, b); ok {
		return order == 0
	}
	switch a.(type) {
	case map[string]any, []any:
		return false
	}
	return textOf(a) == textOf(b)
}

// compare orders two numbers, or two texts.
func compare(a, b any) (order int, ok bool) {
	x, xErr := strconv.ParseFloat(textOf(a), 64)
	y, isNumber := b.(float64)
	if n, is := a.(json.Number); is && isNumber && xErr == nil {
		if n.String() == textOf(b) {
			return 0, true
		}
		return cmpFloat(x, y), true
	}
	s, isText := a.(string)
	t, isTextToo := b.(string)
	return strings.Compare(s, t), isText && isTextToo
}

func cmpFloat(x, y float64) int {
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

// textOf is a scalar's text without quotes; of anything else its JSON.
func textOf(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	text, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(text)
}
