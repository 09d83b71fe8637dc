package api

import (
	"encoding"
	"reflect"
	"strings"
	"unicode"

	"axion/gateway/config"
	"axion/gateway/secret"
)

// Object is a part of the configuration as JSON has it.
type Object map[string]any

// NewObject shows a router, service, middleware or the like of package config, with the
// defaults that Traefik would have set, and without its origin and its secrets. The
// name is "name@provider".
func NewObject(name string, v any) Object {
	o := Object(camelStruct(reflect.Indirect(reflect.ValueOf(withDefaults(v)))))
	hideIn("", o, false)
	if text, ok := o["rule"].(string); ok {
		o["rule"] = secret.Rule(text)
	}
	_, provider, _ := strings.Cut(name, "@")
	o["name"], o["provider"], o["status"] = name, provider, "enabled"
	return o
}

// Type is the one field that says what a service or middleware is, in lower case;
// empty where there is none.
func Type(v any) string {
	value := reflect.Indirect(reflect.ValueOf(v))
	for i := range value.NumField() {
		if f := value.Field(i); f.Kind() == reflect.Pointer && !f.IsNil() {
			return strings.ToLower(value.Type().Field(i).Name)
		}
	}
	return ""
}

// camel turns a value of package config into what the API shows of it: keys in camel
// case, without origins and without what is not set.
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
		if f.Type == reflect.TypeFor[config.Origin]() || !f.IsExported() || v.Field(i).IsZero() {
			continue
		}
		m[camelName(f.Name)] = camel(v.Field(i))
	}
	return m
}

// otherNames are Traefik's where they are not what camelName makes of the field's.
var otherNames = map[string]string{"SANs": "sans", "BrowserXSSFilter": "browserXssFilter", "IPv6Subnet": "ipv6Subnet"}

// camelName lowers the first word of a Go name: "TLSOptions" is "tlsOptions".
func camelName(name string) string {
	if other := otherNames[name]; other != "" {
		return other
	}
	if strings.ToUpper(name) == name {
		return strings.ToLower(name)
	}
	runes := []rune(name)
	for i := range runes {
		if i > 0 && i+1 < len(runes) && unicode.IsLower(runes[i+1]) || unicode.IsLower(runes[i]) {
			break
		}
		runes[i] = unicode.ToLower(runes[i])
	}
	return string(runes)
}

// freeHeaders hold headers under names that anybody may choose.
func freeHeaders(in, name string) bool {
	name = strings.ToLower(name)
	return name == "customrequestheaders" || name == "customresponseheaders" || name == "headers" && strings.EqualFold(in, "healthcheck")
}

// hideIn takes the secrets out of what is called in; all is secret below a name that is.
func hideIn(in string, m map[string]any, all bool) {
	for name, v := range m {
		hide := all || secret.Name(name)
		switch v := v.(type) {
		case map[string]any:
			if !freeHeaders(in, name) {
				hideIn(name, v, hide)
				continue
			}
			for header, value := range v {
				text, _ := value.(string)
				v[header] = secret.Header(header, text)
			}
		case []any:
			hideList(name, v, hide)
		case string:
			m[name] = secret.Value(v, hide)
		}
	}
}

func hideList(name string, list []any, hide bool) {
	for i, v := range list {
		switch v := v.(type) {
		case map[string]any:
			hideIn(name, v, hide)
		case []any:
			hideList(name, v, hide)
		case string:
			if user, _, ok := strings.Cut(v, ":"); ok && name == "users" && !secret.Text.MatchString(user) {
				list[i] = user + ":" + secret.Hidden
			} else {
				list[i] = secret.Value(v, hide)
			}
		}
	}
}
