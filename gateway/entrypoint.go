package gateway

import (
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"

	"axion/gateway/config"
	"axion/gateway/inbound"
	"axion/gateway/tcp"
)

// The entrypoints that are always there.
const (
	web       = "web"
	webSecure = "websecure"
)

// internalEntry is the entrypoint of Traefik's own pages, which routers that name
// no entrypoint do not serve.
const internalEntry = "traefik"

// entrypoint is a place where clients connect, under all the names that it has.
// One that Traefik's command puts at port 80 is web, and one at 443 websecure,
// whatever its name. Web speaks HTTP and websecure HTTPS; others speak both, by
// what their routers ask for.
type entrypoint struct {
	name    string
	names   []string
	config  *config.EntryPoint // merged over its names; never nil
	address string             // to listen on; empty for web and websecure
	udp     bool
	policy  *inbound.Policy
	peers   *tcp.Peers // that may speak the PROXY protocol; nil where it is not spoken
}

func (e *entrypoint) plain() bool  { return !e.udp && e.name != webSecure }
func (e *entrypoint) secure() bool { return !e.udp && e.name != web }

// entrypoints are those of one table, by each of their names.
type entrypoints map[string]*entrypoint

// newEntrypoints reads the static configuration.
func newEntrypoints(static *config.Static) (entrypoints, []config.Problem) {
	e := entrypoints{}
	for _, name := range []string{web, webSecure} {
		e[name] = &entrypoint{name: name, names: []string{name}, config: &config.EntryPoint{}}
	}
	var problems []config.Problem
	if static == nil {
		static = &config.Static{}
	}
	for _, name := range slices.Sorted(maps.Keys(static.EntryPoints)) {
		c := static.EntryPoints[name]
		port, udp, err := entryAddress(c.Address)
		if err != nil {
			problems = append(problems, static.Problem(c.Origin, config.Error, "entrypoint "+strconv.Quote(name)+": "+err.Error(),
				"write an address such as :8080"))
			continue
		}
		switch at := owner(name, port); {
		case udp || at == "":
			e[name] = &entrypoint{name: name, names: []string{name}, config: c, udp: udp, address: "localhost:" + strconv.Itoa(port)}
		case at == name:
			e[name].config = c
		default:
			e[at].names = append(e[at].names, name)
			if e[at].config.Address == "" {
				e[at].config = c
			}
			e[name] = e[at]
		}
	}
	for _, at := range e.all() {
		var wrong []error
		at.policy, wrong = inbound.New(at.config)
		peers, err := tcp.NewPeers(at.config.ProxyProtocol)
		if at.peers = peers; err != nil {
			wrong = append(wrong, err)
		}
		for _, err := range wrong {
			message := "entrypoint " + strconv.Quote(at.name) + ": " + err.Error()
			problems = append(problems, static.Problem(at.config.Origin, config.Error, message, mend(err)))
		}
	}
	return e, problems
}

// nominalPort is the port that the configuration gives e; web and websecure have one
// without it.
func (e *entrypoint) nominalPort() int {
	port, _, err := entryAddress(e.config.Address)
	switch {
	case err == nil:
		return port
	case e.name == webSecure:
		return 443
	}
	return 80
}

// owner is the name of the standing entrypoint that this one is, if any.
func owner(name string, port int) string {
	switch {
	case name == web || name == webSecure:
		return name
	case port == 80:
		return web
	case port == 443:
		return webSecure
	}
	return ""
}

// entryAddress reads "[host]:port[/tcp|/udp]". The host is the container's, and of
// no meaning here.
func entryAddress(address string) (port int, udp bool, err error) {
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

// all lists each entrypoint once, by name.
func (e entrypoints) all() []*entrypoint {
	var list []*entrypoint
	for _, name := range slices.Sorted(maps.Keys(e)) {
		if e[name].name == name {
			list = append(list, e[name])
		}
	}
	return list
}

// defaults are those of routers that name none.
func (e entrypoints) defaults() []*entrypoint {
	all := slices.DeleteFunc(e.all(), func(p *entrypoint) bool { return p.udp || p.name == internalEntry })
	chosen := slices.DeleteFunc(slices.Clone(all), func(p *entrypoint) bool { return !p.config.AsDefault })
	if len(chosen) > 0 {
		return chosen
	}
	return all
}

// known names them for a hint.
func (e entrypoints) known() string {
	return "the entrypoints are " + strings.Join(slices.Sorted(maps.Keys(e)), ", ")
}
