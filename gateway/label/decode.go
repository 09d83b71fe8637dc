package label

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"axion/gateway/config"

	"github.com/traefik/paerser/parser"
)

// tree is the shape of the labels.
type tree struct {
	HTTP struct {
		Routers     map[string]*config.Router
		Services    map[string]*service
		Middlewares map[string]*config.Middleware
	}
}

type service struct {
	LoadBalancer *balancer
}

type balancer struct {
	Servers        []server `label-slice-as-struct:"server"`
	HealthCheck    *config.HealthCheck
	PassHostHeader *bool
}

type server struct {
	URL    string
	Scheme string
	Port   string
}

// decode fills the tree and the set's middlewares, and reports whether every
// value could be read.
func (d *decoder) decode() bool {
	if len(d.labels) == 0 {
		return true
	}
	if err := parser.Decode(d.labels, &d.tree, "traefik"); err != nil {
		d.blame(err)
		return false
	}
	for name, m := range d.tree.HTTP.Middlewares {
		if d.out[ref("middlewares", name)] != "" {
			continue
		}
		if kinds := kindsOf(m); len(kinds) != 1 {
			d.problem(config.Error, d.labelOf("middlewares", name), fmt.Sprintf("the middleware %q is of several kinds: %s",
				name, strings.Join(kinds, ", ")), "give each its own name")
			return false
		}
		m.Origin = d.origin("middlewares", name)
		d.set.Middlewares[name] = m
	}
	return true
}

// blame finds the labels that the decoder rejects: it names only their fields.
func (d *decoder) blame(err error) {
	found := false
	for _, key := range d.keys() {
		name := prefix + key[len(prefix):]
		value, ok := d.labels[name]
		if !ok {
			continue
		}
		if err := parser.Decode(map[string]string{name: value}, &tree{}, "traefik"); err != nil {
			found = true
			d.problem(config.Error, key, unreadable(value, err), "")
		}
	}
	if !found {
		d.problem(config.Error, "", "the labels cannot be read: "+err.Error(), "")
	}
}

// unreadable puts an error of the decoder into the words of labels.
func unreadable(value string, err error) string {
	if e, ok := errors.AsType[*strconv.NumError](err); ok {
		if e.Func == "ParseBool" {
			return fmt.Sprintf("%q is neither true nor false", value)
		}
		return fmt.Sprintf("%q is not a whole number, or too large", value)
	}
	if strings.HasPrefix(err.Error(), "time: ") {
		return fmt.Sprintf("%q is not a duration such as 10s or 1m", value)
	}
	return fmt.Sprintf("%q cannot be read: %s", value, err)
}

// labelOf is the first label that defines something.
func (d *decoder) labelOf(kind, name string) string {
	at := prefix + ref(kind, name) + "."
	for _, key := range d.keys() {
		if strings.HasPrefix(strings.ToLower(key)+".", at) {
			return key
		}
	}
	return ""
}

// kindsOf names the fields of a middleware that are set.
func kindsOf(m *config.Middleware) []string {
	var kinds []string
	v := reflect.ValueOf(*m)
	for i := range v.NumField() {
		if f := v.Field(i); f.Kind() == reflect.Pointer && !f.IsNil() {
			kinds = append(kinds, strings.ToLower(v.Type().Field(i).Name))
		}
	}
	return kinds
}
