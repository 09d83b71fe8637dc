package gateway

import (
	"encoding"
	"reflect"
	"strings"
	"unicode"
)

// camel turns a value of package config into what Traefik's API shows of it: keys
// in camel case, without origins and without what is not set.
func camel(v reflect.Value) any {
	if v.CanInterface() {
		if t, ok := v.Interface().(encoding.TextMarshaler); ok && v.Kind() != reflect.Struct {
			text, _ := t.MarshalText()
			return string(text)
		}
	}
	switch v.Kind() {
	case reflect.Pointer:
		return camel(v.Elem())
	case reflect.Struct:
		return camelStruct(v)
	case reflect.Slice:
		list := make([]any, v.Len())
		for i := range list {
			list[i] = camel(v.Index(i))
		}
		return list
	case reflect.Map:
		m := make(map[string]any, v.Len())
		for _, k := range v.MapKeys() {
			m[k.String()] = camel(v.MapIndex(k))
		}
		return m
	}
	return v.Interface()
}

func camelStruct(v reflect.Value) map[string]any {
	m := make(map[string]any)
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if f.Name == "Origin" || v.Field(i).IsZero() {
			continue
		}
		m[camelName(f.Name)] = camel(v.Field(i))
	}
	return m
}

// camelName lowers the first word of a Go name: "TLSOptions" is "tlsOptions".
func camelName(name string) string {
	if strings.ToUpper(name) == name || name == "SANs" {
		return strings.ToLower(name)
	}
	runes := []rune(name)
	for i := range runes {
		if i > 0 && i+1 < len(runes) && unicode.IsLower(runes[i+1]) {
			break
		}
		if unicode.IsLower(runes[i]) {
			break
		}
		runes[i] = unicode.ToLower(runes[i])
	}
	return string(runes)
}
