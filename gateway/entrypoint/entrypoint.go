// Package entrypoint opens the places where clients connect, and serves them: it distinguishes TLS
// from plain connections, bounds them, and speaks HTTP/1, 2 and 3, raw TCP and UDP. A
// [Set] opens and closes entrypoints as tables come into force.
package entrypoint

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"time"

	"axion/gateway/cert"
	"axion/gateway/fault"
	"axion/gateway/listen"
	"axion/gateway/loop"
	"axion/gateway/observe"
	"axion/gateway/routing"
	"axion/gateway/rule"
	"axion/gateway/selfaddr"
)

// Options are what open entrypoints need of the gateway.
type Options struct {
	// Context is that of every request, and of what runs behind.
	Context context.Context
	Cert    *cert.Authority
	// Observer counts, traces and logs requests.
	Observer *observe.Observer
	// Faults are what breaks requests on purpose.
	Faults *fault.Set
	// Control refuses connections of UDP sessions back to the stack.
	Control func(network, address string, c syscall.RawConn) error
	// NotFound answers requests that no router takes.
	NotFound func(w http.ResponseWriter, r *rule.Request, entrypoint string, secure bool)
	// Reapply puts the table in force once more, if it still is: a port may be free now.
	Reapply func(*routing.Table)
	// Fail ends the gateway: an entrypoint ended by itself.
	Fail func(error)
	// FreePorts opens entrypoints on free ports, not on theirs.
	FreePorts bool
	Log       *slog.Logger
}

// Set are the entrypoints that are open. Its methods are safe for concurrent use.
type Set struct {
	Options
	// DrainTimeout is how long requests under way may go on when the set closes, where
	// the entrypoint says nothing of it.
	DrainTimeout time.Duration

	inflight inflight
	// requestEnded is inflight's end.
	requestEnded func()
	loops        *loop.Detector
	running      sync.WaitGroup

	mu         sync.Mutex // guards what follows
	servers    map[routing.Endpoint]*server
	udpServers map[routing.Endpoint]*udpServer
	// Those whose requests under way go on, although they are at no place any more.
	draining    map[*server]struct{}
	drainingUDP map[*udpServer]struct{}
	started     bool
	closing     bool
}

// New has none open yet.
func New(opts Options) *Set {
	s := &Set{
		Options:      opts,
		DrainTimeout: drainTimeout,
		loops:        loop.New(min(loopCheckThreshold, connLimit()/4)),
		servers:      make(map[routing.Endpoint]*server),
		udpServers:   make(map[routing.Endpoint]*udpServer),
		draining:     make(map[*server]struct{}),
		drainingUDP:  make(map[*udpServer]struct{}),
	}
	s.requestEnded = s.inflight.end
	return s
}

// Start serves what is open, and from now on what is opened. It is to be called once.
func (s *Set) Start() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.started = true
	for _, f := range s.servers {
		f.start()
	}
	for _, d := range s.udpServers {
		d.start()
	}
}

// Info is one open entrypoint.
type Info struct {
	Name    string   `json:"name"`
	Names   []string `json:"names"` // with its other names
	Address string   `json:"address"`
}

// List lists those of the table that are open by name, for instance web.
func (s *Set) List(t *routing.Table) []Info {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := make(map[string]string)
	for _, f := range s.servers {
		at[f.entry().Name] = listen.Address(f.port)
	}
	for _, d := range s.udpServers {
		at[d.entry().Name] = d.Addr().String() + "/udp"
	}
	list := []Info{}
	for _, e := range t.EntryPoints.All() {
		if address := at[e.Name]; address != "" {
			list = append(list, Info{Name: e.Name, Names: e.Names, Address: address})
		}
	}
	return list
}

// Address is where requests of a scheme, "http" or "https", are taken at a port; an
// empty port is the scheme's own. False means that there is no such place.
func (s *Set) Address(scheme, port string) (address string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	own := map[string]string{"http": routing.Web, "https": routing.WebSecure}[scheme]
	for _, f := range s.servers {
		h := f.plain
		if scheme == "https" {
			h = f.secure
		}
		address := f.port.Addr().String()
		if h != nil && (port == "" && f.entry().Name == own || port != "" && strings.HasSuffix(address, ":"+port)) {
			return address, true
		}
	}
	return "", false
}

// Port is the port where an entrypoint for TCP is open, or 0.
func (s *Set) Port(entrypoint string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.servers {
		if f.entry().Name == entrypoint {
			return listen.Port(f.port)
		}
	}
	return 0
}

// Listeners are the places that are open. A nil set has none.
func (s *Set) Listeners() selfaddr.Set {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var list selfaddr.Set
	add := func(e *routing.EntryPoint, at net.Addr) {
		if l, ok := selfaddr.Of(routing.ListenerPrefix+e.Name, at); ok {
			list = append(list, l)
		}
	}
	for _, f := range s.servers {
		add(f.entry(), f.port.Addr())
	}
	for _, d := range s.udpServers {
		add(d.entry(), d.Addr())
	}
	return list
}

// Connections are those open on each entrypoint. Of UDP they are sessions.
func (s *Set) Connections() []observe.Connections {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []observe.Connections
	for _, f := range s.servers {
		list = append(list, observe.Connections{EntryPoint: f.entry().Name, Protocol: "TCP", Open: f.connections.count()})
	}
	for _, d := range s.udpServers {
		list = append(list, observe.Connections{EntryPoint: d.entry().Name, Protocol: "UDP", Open: d.Sessions()})
	}
	return list
}

// Requests counts those under way, upgraded ones included.
func (s *Set) Requests() int { return s.inflight.count() }
