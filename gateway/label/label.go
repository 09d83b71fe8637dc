// Package label reads Traefik's docker labels of one compose service: what they
// configure, with Traefik's defaults, and what is wrong with them.
package label

import (
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
	// Locations gives the position of each label.
	Locations *config.LabelLocations
	Problems  []config.Problem
}

// Decode reads the labels; those that do not start with "traefik." are ignored.
// A mistake leaves the set empty, with an Error among its Problems. A label that
// is not supported leaves out only what cannot be served without it.
func Decode(s Service) *Set {
	d := &decoder{report: report{Service: s, set: newSet(s)}}
	d.keys = d.sorted()
	off, forgotten := d.disabled()
	if !off {
		d.warnMisspelt()
	}
	if forgotten {
		d.set.Unserved = d.warnForgotten()
	}
	if !d.enabled() {
		return d.set
	}
	ok := d.classify() && d.decode()
	d.clarify()
	if ok {
		// Even if there is a mistake, go on to report all of them at once.
		http, tcp, udp := httpDecoder{d}, tcpDecoder{d}, udpDecoder{d}
		httpOK, tcpOK, udpOK := http.services(), tcp.services(), udp.services()
		ok = httpOK && tcpOK && udpOK
		http.routers(httpOK)
		tcp.routers(tcpOK)
		udp.routers(udpOK)
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
		Origin:    config.Origin{Provider: provider, File: s.File, Service: s.Name, Layer: s.Layer},
		Project:   s.Project,
		Locations: &config.LabelLocations{File: s.File, Lines: s.Lines, Files: s.Files},
	}
}

// decoder decodes one service's labels.
type decoder struct {
	report
	labels map[string]string // the ones to decode, the root in lower case
	out    map[string]string // "http.routers.name" in lower case → why it is left out
	tree   tree
}
