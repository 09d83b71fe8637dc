// Package label reads Traefik's docker labels of one compose service: what they
// configure, with Traefik's defaults, and what is wrong with them.
package label

import (
	"fmt"
	"slices"
	"strings"

	"axion/gateway/config"
)

const (
	prefix   = "traefik."
	provider = "docker"
)

// Service is a compose service as far as labels are concerned.
type Service struct {
	Name    string
	Project string // compose project, part of default names
	File    string // for origins and problems
	Layer   int
	Labels  map[string]string
	Lines   map[string]int // of the labels, from 1; missing where unknown
	// Ports are the published TCP ports, Exposed the container's others.
	Ports   []Port
	Exposed []int
	// Addresses are the real "host:port" of a service that runs inside this
	// process; where there are any, ports do not matter.
	Addresses []string
	// RequireEnable means that only traefik.enable=true makes labels count. If
	// false, any traefik label does, unless traefik.enable is false.
	RequireEnable bool
}

// Port is a port of a container that the host publishes.
type Port struct {
	HostIP    string // empty means every address
	Published int    // 0 where the engine chooses
	Target    int
}

// Set is what the labels of one service configure. Keys and references are as
// the labels give them, without provider.
type Set struct {
	Origin      config.Origin // of the compose service; its line is 0
	Routers     map[string]*config.Router
	Services    map[string]*config.Service
	Middlewares map[string]*config.Middleware
	// Unsupported names the middlewares that could not be built and must not be
	// left out: routers that use one are not to be served.
	Unsupported map[string]string
	// Skipped names the middlewares that are not supported but harmless to omit.
	Skipped  map[string]bool
	Problems []config.Problem
}

// Decode reads the labels; those that do not start with "traefik." are ignored.
// A mistake leaves the set empty, with an Error among its Problems. A label that
// is not supported yet leaves out only what cannot be served without it.
func Decode(s Service) *Set {
	d := &decoder{Service: s, set: newSet()}
	d.set.Origin = config.Origin{Provider: provider, File: s.File, Service: s.Name, Layer: s.Layer}
	if !d.enabled() {
		return d.set
	}
	ok := d.sort() && d.decode()
	if ok {
		ok = d.services()
		ok = d.routers(ok) && ok // even if not, to report all mistakes at once
	}
	if !ok {
		d.set = &Set{Origin: d.set.Origin, Problems: d.set.Problems}
	}
	return d.set
}

func newSet() *Set {
	return &Set{
		Routers:     map[string]*config.Router{},
		Services:    map[string]*config.Service{},
		Middlewares: map[string]*config.Middleware{},
		Unsupported: map[string]string{},
		Skipped:     map[string]bool{},
	}
}

// decoder works through one service's labels.
type decoder struct {
	Service
	set    *Set
	labels map[string]string // the ones to decode, the root in lower case
	first  map[string]int    // first line of "http.routers.name" in lower case
	out    map[string]string // "http.routers.name" in lower case → why it is left out
	tree   tree
}

func (d *decoder) problem(severity config.Severity, label, message, hint string) {
	line := d.Lines[label]
	if label == "" {
		for _, n := range d.Lines {
			if line == 0 || n < line {
				line = n
			}
		}
	}
	d.set.Problems = append(d.set.Problems, config.Problem{
		Severity: severity, File: d.File, Line: line, Service: d.Name,
		Label: label, Message: message, Hint: hint,
	})
}

func (d *decoder) origin(kind, name string) config.Origin {
	return config.Origin{Provider: provider, File: d.File, Service: d.Name, Layer: d.Layer,
		Line: d.first[ref(kind, name)]}
}

func ref(kind, name string) string { return "http." + kind + "." + strings.ToLower(name) }

// keys are the traefik labels in order, so that problems are too.
func (d *decoder) keys() []string {
	var keys []string
	for k := range d.Labels {
		if hasPrefix(k) {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, func(a, b string) int {
		if d.Lines[a] != d.Lines[b] {
			return d.Lines[a] - d.Lines[b]
		}
		return strings.Compare(a, b)
	})
	return keys
}

func hasPrefix(key string) bool {
	return len(key) > len(prefix) && strings.EqualFold(key[:len(prefix)], prefix)
}

// enabled reports whether the labels count at all.
func (d *decoder) enabled() bool {
	keys := d.keys()
	enabled := len(keys) > 0 && !d.RequireEnable
	for _, k := range keys {
		if !strings.EqualFold(k, prefix+"enable") {
			continue
		}
		switch v := strings.ToLower(d.Labels[k]); v {
		case "true", "1", "t":
			enabled = true
		case "false", "0", "f":
			return false
		default:
			d.problem(config.Error, k, fmt.Sprintf("%q is neither true nor false", v), "")
			return false
		}
	}
	return enabled
}
