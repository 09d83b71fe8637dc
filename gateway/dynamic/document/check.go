package document

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"axion/gateway/config"

	"github.com/traefik/paerser/parser"
)

// maxProblems bounds how many mistakes of one file are reported; that there are more is
// reported too.
const maxProblems = 20

// checker holds a file against the structure it is meant for.
type checker struct {
	file     string
	failed   bool
	lenient  bool // a mistake counts as not there
	problems []config.Problem
}

func (c *checker) fail(n *Node, message, hint string) {
	c.report(config.Error, n, message, hint)
	if c.failed = !c.lenient; c.lenient {
		n.Kind, n.Children = Null, nil
	}
}

func (c *checker) report(severity config.Severity, n *Node, message, hint string) {
	if len(c.problems) > maxProblems {
		return
	}
	if len(c.problems) == maxProblems {
		message, hint = "there are more mistakes from here on", "fix those above first"
	}
	c.problems = append(c.problems, config.Problem{Severity: severity, File: c.file, Line: n.Line, Message: message, Fix: hint})
}

// check holds the node at path against a type; tag is that of its field.
func (c *checker) check(t reflect.Type, tag reflect.StructTag, n *Node, path string) {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	empty := tag.Get(parser.TagFile) == parser.TagLabelAllowEmpty
	switch {
	case n.Kind == Null:
		if empty {
			c.report(config.Warning, n, fmt.Sprintf("%s has no value, and so counts as not set", path), emptyHint(t, n.Name))
		}
	case t.Kind() == reflect.Struct:
		c.structure(t, empty, n, path)
	case t.Kind() == reflect.Map:
		if n.Kind != Mapping {
			c.fail(n, fmt.Sprintf("%s must hold names and what they stand for", path), "")
			return
		}
		for _, child := range n.Children {
			c.element(t.Elem(), child, join(path, child.Name))
		}
		n.dropEmpty()
	case t.Kind() == reflect.Slice:
		c.list(t.Elem(), n, path)
	case n.Kind != Scalar:
		c.fail(n, fmt.Sprintf("%s must be a single value", path), "")
	default:
		if problem := Unreadable(t, n.Value); problem != "" {
			c.fail(n, fmt.Sprintf("%s: %s", path, problem), "")
		}
	}
}

// element checks an entry of a map or list.
func (c *checker) element(t reflect.Type, n *Node, path string) {
	if (t.Kind() == reflect.Struct || t.Kind() == reflect.Pointer) && n.Kind != Mapping && n.Kind != Null {
		c.fail(n, fmt.Sprintf("%s must hold fields", path), "")
		return
	}
	c.check(t, `file:"allowEmpty"`, n, path)
}

// emptyHint says how to write an empty value that counts.
func emptyHint(t reflect.Type, name string) string {
	if t.Kind() == reflect.Struct {
		return fmt.Sprintf("write %s: {} to switch it on", name)
	}
	return fmt.Sprintf("write %s: \"\" for an empty text", name)
}

// dropEmpty makes what holds nothing count as not there.
func (n *Node) dropEmpty() {
	for _, c := range n.Children {
		if c.Kind != Null {
			return
		}
	}
	n.Kind = Null
}

func (c *checker) structure(t reflect.Type, empty bool, n *Node, path string) {
	switch {
	case n.Kind == Scalar && empty && isBool(n.Value):
		return
	case n.Kind != Mapping:
		c.fail(n, fmt.Sprintf("%s must hold fields", orFile(path)), "")
		return
	case len(n.Children) == 0 && !empty && path != "":
		c.fail(n, fmt.Sprintf("%s holds no field", path), "")
		return
	}
	seen := map[string]bool{}
	for _, child := range n.Children {
		f, ok := Field(t, child.Name)
		if !ok {
			hint := ""
			if near := config.Nearest(child.Name, Names(t)); near != "" {
				hint = fmt.Sprintf("did you mean %s?", near)
			}
			c.fail(child, fmt.Sprintf("Traefik has no field %q in %s", child.Name, orFile(path)), hint)
			continue
		}
		if seen[f.Name] {
			c.fail(child, fmt.Sprintf("%s is there twice", join(path, child.Name)), "")
			continue
		}
		seen[f.Name] = true
		c.check(f.Type, f.Tag, child, join(path, child.Name))
	}
	if !empty {
		n.dropEmpty()
	}
}

func (c *checker) list(elem reflect.Type, n *Node, path string) {
	compound := elem.Kind() == reflect.Struct || elem.Kind() == reflect.Pointer
	if n.Kind == Scalar && !compound { // a comma list
		for item := range strings.SplitSeq(n.Value, ",") {
			if problem := Unreadable(elem, strings.TrimSpace(item)); problem != "" && n.Value != "" {
				c.fail(n, fmt.Sprintf("%s: %s", path, problem), "")
			}
		}
		return
	}
	if n.Kind != Sequence {
		c.fail(n, fmt.Sprintf("%s must be a list", path), "")
		return
	}
	for _, item := range n.Children {
		if item.Kind == Null {
			c.fail(item, fmt.Sprintf("%s%s has no value", path, item.Name), "")
			continue
		}
		c.element(elem, item, path+item.Name)
	}
	if c.lenient {
		n.Children = slices.DeleteFunc(n.Children, func(item *Node) bool { return item.Kind == Null })
	}
}

func isBool(s string) bool { return strings.EqualFold(s, "true") || strings.EqualFold(s, "false") }

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func orFile(path string) string {
	if path == "" {
		return "the file"
	}
	return path
}

// Field is the field of that name, case aside, that files and flags may set.
func Field(t reflect.Type, name string) (reflect.StructField, bool) {
	for f := range t.Fields() {
		if f.IsExported() && f.Tag.Get(parser.TagFile) != "-" && strings.EqualFold(f.Name, name) {
			return f, true
		}
	}
	return reflect.StructField{}, false
}

// Names are the fields that may be set, as files write them.
func Names(t reflect.Type) []string {
	var names []string
	for f := range t.Fields() {
		if f.IsExported() && f.Tag.Get(parser.TagFile) != "-" {
			names = append(names, camel(f.Name))
		}
	}
	return names
}

// camel writes "EntryPoints" as "entryPoints" and "TLSOptions" as "tlsOptions".
func camel(name string) string {
	upper := 0
	for upper < len(name) && 'A' <= name[upper] && name[upper] <= 'Z' {
		upper++
	}
	if upper > 1 && upper < len(name) && name[upper] >= 'a' {
		upper--
	}
	return strings.ToLower(name[:upper]) + name[upper:]
}

// Unreadable says why a value does not fit a type of numbers, truth values,
// durations or texts, or is empty.
func Unreadable(t reflect.Type, value string) string {
	var err error
	switch kind := t.Kind(); {
	case t == reflect.TypeFor[config.Duration]():
		var d config.Duration
		if d.Set(value) != nil {
			return fmt.Sprintf("%q is not a duration such as 10s or 1m", value)
		}
		if n, err := strconv.ParseInt(value, 10, 64); err == nil && (n > maxSeconds || n < -maxSeconds) {
			return fmt.Sprintf("%q seconds are too long", value)
		}
	case kind == reflect.Bool:
		if _, err = strconv.ParseBool(value); err != nil {
			return fmt.Sprintf("%q is neither true nor false", value)
		}
	case kind >= reflect.Int && kind <= reflect.Int64:
		if _, err = strconv.ParseInt(value, 10, t.Bits()); err != nil {
			return fmt.Sprintf("%q is not a whole number, or too large", value)
		}
	case kind == reflect.Float64:
		if _, err = strconv.ParseFloat(value, 64); err != nil {
			return fmt.Sprintf("%q is not a number", value)
		}
	case kind != reflect.String:
		return fmt.Sprintf("%q does not belong here", value)
	}
	return ""
}

// maxSeconds is as many as a duration can hold.
const maxSeconds = int64(1<<63-1) / int64(time.Second)
