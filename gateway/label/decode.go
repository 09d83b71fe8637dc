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
	TCP struct {
		Routers     map[string]*config.TCPRouter
		Services    map[string]*tcpService
		Middlewares map[string]*config.TCPMiddleware
	}
	UDP struct {
		Routers  map[string]*config.UDPRouter
		Services map[string]*udpService
	}
	TLS struct {
		Stores map[string]*config.TLSStore
	}
}

// The services' shape differs from the model's by their servers, of which labels
// describe one, without its address.
type (
	service struct {
		LoadBalancer *balancer
		config.Service
	}
	balancer struct {
		Servers []server `label-slice-as-struct:"server"`
		config.LoadBalancer
	}
	server struct {
		URL          string
		Scheme       string
		Port         string
		Weight       *int
		PreservePath bool
	}
	tcpService struct {
		LoadBalancer *tcpBalancer
		config.TCPService
	}
	tcpBalancer struct {
		Servers []tcpServer `label-slice-as-struct:"server"`
		config.TCPLoadBalancer
	}
	tcpServer struct {
		Port string
		TLS  bool
	}
	udpService struct {
		LoadBalancer *udpBalancer
		config.UDPService
	}
	udpBalancer struct {
		Servers []udpServer `label-slice-as-struct:"server"`
	}
	udpServer struct {
		Port string
	}
)

// decode fills the tree, and completes what needs no more than that. It reports
// whether every value could be read.
func (d *decoder) decode() bool {
	if len(d.labels) == 0 {
		return true
	}
	if err := parser.Decode(d.labels, &d.tree, "traefik"); err != nil {
		d.locateError(err)
		return false
	}
	for name, m := range d.tree.HTTP.Middlewares {
		if d.out[ref("http", "middlewares", name)] != "" {
			continue
		}
		if !d.single("http", "middlewares", name, m) {
			return false
		}
		m.Origin = d.origin("http", "middlewares", name)
		put(&d.set.Middlewares, name, m)
	}
	for name, m := range d.tree.TCP.Middlewares {
		if !d.single("tcp", "middlewares", name, m) {
			return false
		}
		m.Origin = d.origin("tcp", "middlewares", name)
		put(&d.set.TCP.Middlewares, name, m)
	}
	for name, s := range d.tree.TLS.Stores {
		s.Origin = d.origin("tls", "stores", name)
		put(&d.set.TLSStores, name, s)
	}
	return true
}

// single refuses what is of several kinds at once: v is a pointer to a struct
// with one field for each.
func (d *decoder) single(section, kind, name string, v any) bool {
	kinds := kindsOf(reflect.ValueOf(v).Elem())
	if len(kinds) <= 1 {
		return true
	}
	d.problem(config.Error, d.labelOf(section, kind, name), fmt.Sprintf("the %s %q is of several kinds: %s",
		strings.TrimSuffix(kind, "s"), name, strings.Join(kinds, ", ")), "give each its own name")
	return false
}

// kindsOf names the fields of a struct that are set.
func kindsOf(v reflect.Value) []string {
	var kinds []string
	for i := range v.NumField() {
		if f := v.Field(i); f.Kind() == reflect.Pointer && !f.IsNil() {
			kinds = append(kinds, strings.ToLower(v.Type().Field(i).Name))
		}
	}
	return kinds
}

// locateError finds the labels that the decoder rejects: it names only their fields.
func (d *decoder) locateError(err error) {
	found := false
	for _, key := range d.keys {
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
