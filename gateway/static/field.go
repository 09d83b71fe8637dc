package static

import (
	"fmt"
	"reflect"
	"strings"

	"axion/gateway/config"
	"axion/gateway/dynamic/document"

	"github.com/traefik/paerser/parser"
)

// verdict is what becomes of a setting.
type verdict int

const (
	unknown verdict = iota
	known
	section    // holds settings, none of which is decoded
	unfollowed // one of the list, or inside of one
)

// field is what a setting's path leads to.
type field struct {
	verdict verdict
	listed  *listed      // of what is not followed
	absent  *absent      // of what is unknown, where it is said why
	typ     reflect.Type // of what is known
	empty   bool         // a structure that a bare true switches on
	entry   bool         // a structure that has a name of its author's
	indexed bool         // an item of a list
}

// isSwitch reports whether the setting needs no value.
func (f field) isSwitch() bool {
	return f.verdict == known && (f.typ.Kind() == reflect.Bool || f.typ.Kind() == reflect.Struct)
}

func (f field) isList() bool { return f.verdict == known && f.typ.Kind() == reflect.Slice }

// unreadable says why a value does not fit.
func (f field) unreadable(value string) string {
	switch f.typ.Kind() {
	case reflect.Struct:
		if !f.empty {
			return "it says nothing without one of its fields"
		}
		if !strings.EqualFold(value, "true") && !strings.EqualFold(value, "false") {
			return fmt.Sprintf("%q is neither true nor false", value)
		}
		return ""
	case reflect.Map:
		return "it says nothing without a name"
	case reflect.Slice:
		if f.typ.Elem().Kind() == reflect.Struct {
			return "it needs an index, such as [0]"
		}
		for item := range strings.SplitSeq(value, ",") {
			if why := document.Unreadable(f.typ.Elem(), strings.TrimSpace(item)); why != "" && value != "" {
				return why
			}
		}
		return ""
	}
	return document.Unreadable(f.typ, value)
}

// classify resolves a path through the lists and the tree.
func classify(path []string) field {
	for i := range absentSettings {
		if isPrefix(strings.Split(absentSettings[i].path, "."), path) {
			return field{absent: &absentSettings[i]}
		}
	}
	holds := false
	for i := range undecoded {
		pattern := strings.Split(undecoded[i].path, ".")
		if isPrefix(pattern, path) && (len(path) == len(pattern) || !undecoded[i].alone) {
			return field{verdict: unfollowed, listed: &undecoded[i]}
		}
		holds = holds || len(path) > 0 && len(path) < len(pattern) && isPrefix(pattern[:len(path)], path)
	}
	f := resolve(reflect.TypeFor[tree](), path)
	if f.verdict == unknown && holds {
		f.verdict = section
	}
	return f
}

// isPrefix reports whether a path is what a pattern names, or inside it.
func isPrefix(pattern, path []string) bool {
	if len(path) < len(pattern) {
		return false
	}
	for i, p := range pattern {
		if p != "*" && !strings.EqualFold(p, path[i]) {
			return false
		}
	}
	return true
}

// resolve finds what a path leads to from a type.
func resolve(t reflect.Type, path []string) field {
	if len(path) == 0 {
		return field{}
	}
	f := field{verdict: known, typ: t}
	for i, name := range path {
		switch f.typ.Kind() {
		case reflect.Struct:
			f = f.member(name)
		case reflect.Map:
			if f = f.named(path[i:]); f.verdict == known && f.typ.Kind() == reflect.String {
				return f
			}
		case reflect.Slice: // the index stands apart in variables
			if !f.index("[" + name + "]") {
				return field{}
			}
		default:
			return field{}
		}
		if f.verdict != known {
			return field{}
		}
	}
	return f
}

// member is a field of a structure, or an item of one that is a list.
func (f field) member(name string) field {
	index := ""
	if i := strings.IndexByte(name, '['); i > 0 {
		name, index = name[:i], name[i:]
	}
	sf, ok := document.Field(f.typ, name)
	if !ok {
		return field{}
	}
	m := field{verdict: known, typ: indirect(sf.Type), empty: sf.Tag.Get(parser.TagLabel) == parser.TagLabelAllowEmpty}
	if index != "" && !m.index(index) {
		return field{}
	}
	return m
}

// named is the entry of a map at the start of a path. The name of a text may hold dots:
// it is the whole path.
func (f field) named(path []string) field {
	e := field{verdict: known, typ: indirect(f.typ.Elem()), empty: true}
	e.entry = e.typ.Kind() == reflect.Struct
	if e.typ.Kind() != reflect.String {
		path = path[:1]
	}
	for _, name := range path { // a bracket in a name would be taken for an index
		if name == "" || strings.ContainsAny(name, "[]") {
			return field{}
		}
	}
	return e
}

// index goes on to an item of a list of structures.
func (f *field) index(text string) bool {
	digits := strings.TrimSuffix(strings.TrimPrefix(text, "["), "]")
	if f.typ.Kind() != reflect.Slice || f.typ.Elem().Kind() != reflect.Struct || len(text) != len(digits)+2 ||
		digits == "" || len(digits) > 2 || strings.Trim(digits, "0123456789") != "" {
		return false
	}
	*f = field{verdict: known, typ: f.typ.Elem(), indexed: true}
	return true
}

// indirect is what a pointer points to, else the type itself.
func indirect(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return t
}

// nearest is the setting that a path was probably meant to be, or empty.
func nearest(path []string) string {
	patterns := append(settings("", reflect.TypeFor[tree]()), sectionNames()...)
	for _, l := range undecoded {
		patterns = append(patterns, l.path)
	}
	for i, p := range patterns {
		names := strings.Split(p, ".")
		for j := range names {
			if names[j] == "*" && j < len(path) {
				names[j] = path[j]
			}
		}
		patterns[i] = strings.Join(names, ".")
	}
	return config.Nearest(strings.Join(path, "."), patterns)
}

// settings are the paths of all that a type holds, with * for names.
func settings(path string, t reflect.Type) []string {
	var out []string
	switch t = indirect(t); t.Kind() {
	case reflect.Struct:
		if path != "" {
			out = append(out, path)
			path += "."
		}
		for _, name := range document.Names(t) {
			f, _ := document.Field(t, name)
			out = append(out, settings(path+strings.ToLower(name), f.Type)...)
		}
	case reflect.Map:
		out = settings(path+".*", t.Elem())
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Struct {
			return settings(path+"[0]", t.Elem())
		}
		out = []string{path}
	default:
		out = []string{path}
	}
	return out
}
