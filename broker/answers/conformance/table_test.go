package conformance_test

import (
	"bytes"
	"reflect"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"axion/broker"
	"axion/broker/answers"
)

// TestTable: the table has each field that the protocol lets be null, of each answer
// that the broker gives, and no other.
func TestTable(t *testing.T) {
	t.Parallel()
	b := start(t, broker.Options{})
	for _, r := range ranges(dial(t, b.Addr())) {
		key := kmsg.Key(r.ApiKey)
		var known []string
		for _, f := range answers.Fields(key) {
			known = append(known, f.Path)
		}
		var found []string
		probe(r, func(path string) { found = append(found, path) })
		slices.Sort(known)
		slices.Sort(found)
		if found = slices.Compact(found); !slices.Equal(found, known) {
			t.Errorf("%s: these fields can be null: %v; the table has %v", key.Name(), found, known)
		}
	}
}

// probe finds the fields of a key's answers whose bytes differ between null and empty.
func probe(r kmsg.ApiVersionsResponseApiKey, found func(path string)) {
	for version := r.MinVersion; version <= min(r.MaxVersion, kmsg.ResponseForKey(r.ApiKey).MaxVersion()); version++ {
		resp := kmsg.ResponseForKey(r.ApiKey)
		resp.SetVersion(version)
		grow(reflect.ValueOf(resp).Elem())
		walk(reflect.ValueOf(resp).Elem(), "", func(path string, field, _ reflect.Value) {
			full := reflect.New(field.Type()).Elem()
			full.Set(field)
			empty(field)
			with := resp.AppendTo(nil)
			field.SetZero()
			if !bytes.Equal(resp.AppendTo(nil), with) {
				found(path)
			}
			field.Set(full)
		})
	}
}

// empty makes a field empty, and not null.
func empty(field reflect.Value) {
	if field.Kind() == reflect.Slice {
		field.Set(reflect.MakeSlice(field.Type(), 0, 0))
	} else {
		field.Set(reflect.New(field.Type().Elem()))
	}
}

// grow gives each array an element, and each structure that may be null is there.
func grow(v reflect.Value) {
	for i := range v.NumField() {
		switch f := v.Field(i); f.Kind() {
		case reflect.Struct:
			grow(f)
		case reflect.Slice:
			f.Set(reflect.MakeSlice(f.Type(), 1, 1))
			if f.Type().Elem().Kind() == reflect.Struct {
				grow(f.Index(0))
			}
		case reflect.Pointer:
			f.Set(reflect.New(f.Type().Elem()))
			if f.Type().Elem().Kind() == reflect.Struct {
				grow(f.Elem())
			}
		}
	}
}

// walk visits arrays, bytes and pointers, by path, and what they are in.
func walk(v reflect.Value, path string, visit func(path string, field, in reflect.Value)) {
	for i := range v.NumField() {
		f, name := v.Field(i), v.Type().Field(i).Name
		if !f.CanSet() || name == "UnknownTags" {
			continue
		}
		at := name
		if path != "" {
			at = path + "." + name
		}
		if f.Kind() == reflect.Slice || f.Kind() == reflect.Pointer {
			visit(at, f, v)
		}
		each(f, func(v reflect.Value) { walk(v, at, visit) })
	}
}

// each visits the structures that a field has in it.
func each(f reflect.Value, visit func(reflect.Value)) {
	switch f.Kind() {
	case reflect.Struct:
		visit(f)
	case reflect.Slice:
		if f.Type().Elem().Kind() == reflect.Struct {
			for i := range f.Len() {
				visit(f.Index(i))
			}
		}
	case reflect.Pointer:
		if !f.IsNil() && f.Type().Elem().Kind() == reflect.Struct {
			visit(f.Elem())
		}
	}
}
