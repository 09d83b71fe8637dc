package routing

import (
	"cmp"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"axion/gateway/config"
	"axion/gateway/hint"
	"axion/gateway/inbound"
	"axion/gateway/tcp"
)

// The entrypoints that are always there.
const (
	Web       = "web"
	WebSecure = "websecure"
)

// TraefikEntryPoint is the entrypoint of Traefik's own pages, which routers that name
// no entrypoint do not serve.
const TraefikEntryPoint = "traefik"

// EntryPoint is a place where clients connect, under all the names that it has.
// One that Traefik's command puts at port 80 is web, and one at 443 websecure,
// whatever its name. Web speaks HTTP and websecure HTTPS; others speak both, by
// what their routers ask for.
type EntryPoint struct {
	Name    string
	Names   []string
	Config  *config.EntryPoint // merged over its names; never nil
	Address string             // to listen on; empty for web and websecure
	UDP     bool
	Policy  *inbound.Policy
	Peers   *tcp.Peers // that may speak the PROXY protocol; nil where it is not spoken
}

// Plain reports whether it serves HTTP without TLS.
func (e *EntryPoint) Plain() bool { return !e.UDP && e.Name != WebSecure }

// Secure reports whether it serves HTTPS.
func (e *EntryPoint) Secure() bool { return !e.UDP && e.Name != Web }

// EntryPoints are those of one table, by each of their names.
type EntryPoints map[string]*EntryPoint

// newEntryPoints reads the static configuration.
func newEntryPoints(static *config.Static) (EntryPoints, []config.Problem) {
	e := EntryPoints{}
	for _, name := range []string{Web, WebSecure} {
		e[name] = &EntryPoint{Name: name, Names: []string{name}, Config: &config.EntryPoint{}}
	}
	var problems []config.Problem
	if static == nil {
		static = &config.Static{}
	}
	for _, name := range slices.Sorted(maps.Keys(static.EntryPoints)) {
		c := static.EntryPoints[name]
		port, udp, err := ParseAddress(c.Address)
		if err != nil {
			problems = append(problems, static.Problem(c.Origin, config.Error, "entrypoint "+strconv.Quote(name)+": "+err.Error(),
				"write an address such as :8080"))
			continue
		}
		switch at := owner(name, port); {
		case udp || at == "":
			e[name] = &EntryPoint{Name: name, Names: []string{name}, Config: c, UDP: udp, Address: "localhost:" + strconv.Itoa(port)}
		case at == name:
			e[name].Config = c
		default:
			e[at].Names = append(e[at].Names, name)
			if e[at].Config.Address == "" {
				e[at].Config = c
			}
			e[name] = e[at]
		}
	}
	for _, at := range e.All() {
		var wrong []error
		at.Policy, wrong = inbound.New(at.Config)
		peers, err := tcp.NewPeers(at.Config.ProxyProtocol)
		if at.Peers = peers; err != nil {
			wrong = append(wrong, err)
		}
		for _, err := range wrong {
			message := "entrypoint " + strconv.Quote(at.Name) + ": " + err.Error()
			problems = append(problems, static.Problem(at.Config.Origin, config.Error, message, hint.Of(err)))
		}
	}
	return e, problems
}

// NominalPort is the port that the configuration gives e; web and websecure have one
// without it.
func (e *EntryPoint) NominalPort() int {
	port, _, err := ParseAddress(e.Config.Address)
	switch {
	case err == nil:
		return port
	case e.Name == WebSecure:
		return 443
	}
	return 80
}

// owner is the name of the standing entrypoint that this one is, if any.
func owner(name string, port int) string {
	switch {
	case name == Web || name == WebSecure:
		return name
	case port == 80:
		return Web
	case port == 443:
		return WebSecure
	}
	return ""
}

// ParseAddress reads "[host]:port[/tcp|/udp]". The host is the container's, and of
// no meaning here.
func ParseAddress(address string) (port int, udp bool, err error) {
	address, protocol, _ := strings.Cut(address, "/")
	if protocol != "" && protocol != "tcp" && protocol != "udp" {
		return 0, false, fmt.Errorf("the protocol %q is neither tcp nor udp", protocol)
	}
	_, text, err := net.SplitHostPort(address)
	if err != nil {
		return 0, false, fmt.Errorf("the address %q is not one", address)
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n == 0 {
		return 0, false, fmt.Errorf("the address %q has no port", address)
	}
	return int(n), protocol == "udp", nil
}

// All lists each entrypoint once, by name.
func (e EntryPoints) All() []*EntryPoint {
	var list []*EntryPoint
	for _, name := range slices.Sorted(maps.Keys(e)) {
		if e[name].Name == name {
			list = append(list, e[name])
		}
	}
	return list
}

// Defaults are those of routers that name none.
func (e EntryPoints) Defaults() []*EntryPoint {
	all := slices.DeleteFunc(e.All(), func(p *EntryPoint) bool { return p.UDP || p.Name == TraefikEntryPoint })
	chosen := slices.DeleteFunc(slices.Clone(all), func(p *EntryPoint) bool { return !p.Config.AsDefault })
	if len(chosen) > 0 {
		return chosen
	}
	return all
}

// hint names them for a hint.
func (e EntryPoints) hint() string {
	return "the entrypoints are " + strings.Join(slices.Sorted(maps.Keys(e)), ", ")
}

// Endpoint is where an entrypoint is open. Those of the gateway are distinguished by it: the
// name of an entrypoint may change, or go on to another place.
type Endpoint struct {
	UDP     bool
	Address string // "localhost:port"; of web and websecure the name
}

// Endpoint is where the entrypoint is open.
func (e *EntryPoint) Endpoint() Endpoint { return Endpoint{e.UDP, cmp.Or(e.Address, e.Name)} }

// EntryPointProblem is a problem of an entrypoint: a notice where the entrypoint comes from
// a port that was only published.
func (t *Table) EntryPointProblem(e *EntryPoint, what, hint string) config.Problem {
	severity := config.Error
	if e.Config.Implicit {
		severity = config.Notice
	}
	return t.Dynamic.Static.Problem(e.Config.Origin, severity, fmt.Sprintf("entrypoint %q %s", e.Name, what), hint)
}

// warnSharedEndpoints reports entrypoints that cannot be open, as another has their place.
func (t *Table) warnSharedEndpoints() {
	first := make(map[Endpoint]*EntryPoint)
	for _, e := range t.EntryPoints.All() {
		p := e.Endpoint()
		if other := first[p]; other != nil {
			t.Problems = append(t.Problems, t.EntryPointProblem(e, fmt.Sprintf("has the address of the entrypoint %q", other.Name),
				"give it another port"))
			continue
		}
		first[p] = e
	}
}

// WantsHTTP3 reports whether HTTP/3 is wanted: on websecure, and where the entrypoint
// asks for it.
func (e *EntryPoint) WantsHTTP3() bool {
	return e.Secure() && (e.Name == WebSecure || e.Config.HTTP3 != nil)
}

// Serves reports whether the entrypoint serves HTTP with TLS, or without. Nil does not.
func (e *EntryPoint) Serves(secure bool) bool {
	return e != nil && (secure && e.Secure() || !secure && e.Plain())
}

// GivenName is the name that the entrypoint was given, where it was given one.
func (e *EntryPoint) GivenName() string { return e.Names[len(e.Names)-1] }

// SessionTimeout is how long sessions last in which nothing is said; 0 means 3s.
func (e *EntryPoint) SessionTimeout() time.Duration {
	if e.Config.UDP == nil {
		return 0
	}
	return time.Duration(e.Config.UDP.Timeout)
}
