// Package label reads Traefik's docker labels of one compose service: what they
// configure, with Traefik's defaults, and what is wrong with them.
package label

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"axion/gateway/config"
	"axion/gateway/rule"
)

const (
	prefix   = "traefik."
	provider = "docker"
)

// Service is a compose service, or a container, as far as labels are concerned.
type Service struct {
	Name    string
	Project string // compose project, part of default names
	File    string // for origins and problems
	Layer   int
	Labels  map[string]string
	Lines   map[string]int    // of the labels, from 1; missing where unknown
	Files   map[string]string // of those labels that stand elsewhere than File; may be nil
	// Ports are the ports that the host publishes, Exposed the container's other
	// TCP ports and ExposedUDP its other UDP ports.
	Ports      []Port
	Exposed    []int
	ExposedUDP []int
	// Host is the container's own address, or the name of where a service of the base layer
	// is replaced, where all its ports are reached. Empty
	// means that they are reached where they are published, else on 127.0.0.1.
	Host string
	// UseBindPortIP means that a port which is published at an address of the host's
	// is reached there rather than at Host.
	UseBindPortIP bool
	// Stopped is a container that does not run, or is not healthy: its services have
	// no server.
	Stopped bool
	// Addresses are the real "host:port" of a service that runs inside this
	// process; where there are any, TCP ports do not matter.
	Addresses []string
	// RequireEnable means that only traefik.enable=true makes labels count. If
	// false, any traefik label does, unless traefik.enable is false.
	RequireEnable bool
	// DefaultRule makes the rule of HTTP routers that have none. Nil means
	// Host(`name-project`).
	DefaultRule *DefaultRule
	// Rules keeps the rules that are parsed. Nil keeps none.
	Rules *rule.Cache
}

// Port is a port of a container that the host publishes.
type Port struct {
	HostIP    string // empty means every address
	Published int    // 0 where the engine chooses
	Target    int
	UDP       bool
}

// Set is what the labels of one service configure. Keys and references are as
// the labels give them, without provider.
type Set struct {
	Origin      config.Origin // of the compose service; its line is 0
	Project     string
	Routers     map[string]*config.Router
	Services    map[string]*config.Service
	Middlewares map[string]*config.Middleware
	TCP         config.TCP
	UDP         config.UDP
	TLSStores   map[string]*config.TLSStore
	// Unsupported names the HTTP middlewares that cannot be built and must not be
	// left out, and the label that says so: routers that use one are not served.
	Unsupported map[string]string
	// Unserved is what the labels would configure if they counted. Nil where they do,
	// or where traefik.enable says that they do not.
	Unserved *config.Unserved
	// Places tells where the labels stand.
	Places   *config.Places
	Problems []config.Problem
}

// Decode reads the labels; those that do not start with "traefik." are ignored.
// A mistake leaves the set empty, with an Error among its Problems. A label that
// is not supported leaves out only what cannot be served without it.
func Decode(s Service) *Set {
	d := &decoder{Service: s, set: newSet(s)}
	d.keys = d.sorted()
	off, forgotten := d.disabled()
	if !off {
		d.slips()
	}
	if forgotten {
		d.set.Unserved = d.forgotten()
	}
	if !d.enabled() {
		return d.set
	}
	ok := d.sort() && d.decode()
	d.clarify()
	if ok {
		// Even if there is a mistake, go on to report all of them at once.
		http, tcp, udp := d.services(), d.tcpServices(), d.udpServices()
		ok = http && tcp && udp
		d.routers(http)
		d.tcpRouters(tcp)
		d.udpRouters(udp)
	}
	if !ok {
		problems := d.set.Problems
		d.set = newSet(s)
		d.set.Problems = problems
	}
	return d.set
}

func newSet(s Service) *Set {
	return &Set{
		Origin:  config.Origin{Provider: provider, File: s.File, Service: s.Name, Layer: s.Layer},
		Project: s.Project,
		Places:  &config.Places{File: s.File, Lines: s.Lines, Files: s.Files},
	}
}

// decoder works through one service's labels.
type decoder struct {
	Service
	set    *Set
	keys   []string          // the traefik labels in order, so that problems are too
	labels map[string]string // the ones to decode, the root in lower case
	first  map[string]string // "http.routers.name" in lower case → the first label of it
	out    map[string]string // "http.routers.name" in lower case → why it is left out
	tree   tree
}

func (d *decoder) problem(severity config.Severity, label, message, hint string) {
	file, line := d.File, 0
	if label == "" && len(d.keys) > 0 {
		file, line, _ = d.set.Places.Of(d.keys[0])
	} else if label != "" {
		file, line, _ = d.set.Places.Of(label)
	}
	d.set.Problems = append(d.set.Problems, config.Problem{
		Severity: severity, File: file, Line: line, Service: d.Name,
		Label: label, Message: message, Fix: hint,
	})
}

func (d *decoder) origin(section, kind, name string) config.Origin {
	o := d.set.Origin
	if key := d.first[ref(section, kind, name)]; key != "" {
		o.File, o.Line, _ = d.set.Places.Of(key)
	}
	return o
}

// ref is how a piece of configuration is noted, such as "http.routers.name".
func ref(section, kind, name string) string {
	return section + "." + kind + "." + strings.ToLower(name)
}

// sorted are the traefik labels in the order of files and lines.
func (d *decoder) sorted() []string {
	type place struct {
		key, file string
		line      int
	}
	places := make([]place, 0, len(d.Labels))
	for k := range d.Labels {
		if hasPrefix(k) {
			places = append(places, place{k, d.Files[k], d.Lines[k]})
		}
	}
	slices.SortFunc(places, func(a, b place) int {
		return cmp.Or(strings.Compare(a.file, b.file), a.line-b.line, strings.Compare(a.key, b.key))
	})
	keys := make([]string, len(places))
	for i, p := range places {
		keys[i] = p.key
	}
	return keys
}

func hasPrefix(key string) bool {
	return len(key) > len(prefix) && (key[:len(prefix)] == prefix || strings.EqualFold(key[:len(prefix)], prefix))
}

// enabled reports whether the labels count at all.
func (d *decoder) enabled() bool {
	enabled := len(d.keys) > 0 && !d.RequireEnable
	for _, k := range d.keys {
		if !strings.EqualFold(k, prefix+"enable") {
			continue
		}
		switch v := strings.ToLower(d.Labels[k]); v {
		case "true", "1", "t":
			enabled = true
		case "false", "0", "f":
			return false
		default:
			d.problem(config.Error, k, fmt.Sprintf("%q is neither true nor false", v), "write true, in quotes where labels are a mapping")
			return false
		}
	}
	return enabled
}
