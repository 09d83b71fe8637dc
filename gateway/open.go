package gateway

import (
	"errors"
	"net"
	"strconv"
	"strings"

	"axion/gateway/listen"
	"axion/gateway/routing"
)

// above is what is added to a port that this user may not open: 80 becomes 8080.
const above = 8000

// listenTo opens e's port on this machine alone.
func (g *Gateway) listenTo(e *routing.EntryPoint) (net.Listener, error) {
	l, err := listen.Listen(g.placeOf(e))
	if _, denied := errors.AsType[*listen.Denied](err); !denied {
		return l, err
	}
	_, text, _ := net.SplitHostPort(e.Address)
	port, _ := strconv.Atoi(text)
	l, err = listen.Listen("localhost:" + strconv.Itoa(port+above))
	if err == nil {
		g.log.Warn("entrypoint moved: this user may not open its port", "entrypoint", e.Name, "port", port, "to", listen.Port(l))
	}
	return l, err
}

// placeOf is the address to listen on.
func (g *Gateway) placeOf(e *routing.EntryPoint) string {
	if g.freePorts {
		return "localhost:0"
	}
	return e.Address
}

// EntryPoint is one open entrypoint.
type EntryPoint struct {
	Name    string   `json:"name"`
	Names   []string `json:"names"` // with its other names
	Address string   `json:"address"`
}

// EntryPoints lists the open entrypoints by name, for instance web.
func (g *Gateway) EntryPoints() []EntryPoint {
	g.mu.Lock()
	defer g.mu.Unlock()
	at := make(map[string]string)
	for _, f := range g.fronts {
		at[f.entry().Name] = listen.Address(f.port)
	}
	for _, d := range g.datagrams {
		at[d.view.Load().entry.Name] = d.Addr().String() + "/udp"
	}
	list := []EntryPoint{}
	for _, e := range g.table.Load().EntryPoints.All() {
		if address := at[e.Name]; address != "" {
			list = append(list, EntryPoint{Name: e.Name, Names: e.Names, Address: address})
		}
	}
	return list
}

// Entry gives the address where requests of a scheme, "http" or "https", are
// taken at a port; an empty port is the scheme's own. False means that there is
// no such place.
func (g *Gateway) Entry(scheme, port string) (address string, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	own := map[string]string{"http": routing.Web, "https": routing.WebSecure}[scheme]
	for _, f := range g.fronts {
		door := f.plain
		if scheme == "https" {
			door = f.secure
		}
		address := f.port.Addr().String()
		if door != nil && (port == "" && f.entry().Name == own || port != "" && strings.HasSuffix(address, ":"+port)) {
			return address, true
		}
	}
	return "", false
}

// portOf is the port where an entrypoint for TCP is open, or 0.
func (g *Gateway) portOf(entrypoint string) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, f := range g.fronts {
		if f.entry().Name == entrypoint {
			return listen.Port(f.port)
		}
	}
	return 0
}
