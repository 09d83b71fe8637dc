package codegen

import (
	"fmt"
	"slices"

	"axion/services/contract"
)

// layout is a checked and resolved graph, in the graph's order: all generated files are
// written from it.
type layout struct {
	slug               string
	title, description string
	components         []*component // all nodes but the ingresses
	ingresses          []*component
	ports              map[int]string // the node that has each
	hosts              map[string]*component
}

// component is one node of the graph.
type component struct {
	node        contract.Node
	name        string
	port        int // where it listens; 0 for an ingress
	publish     int // its port on the host's loopback; 0 where no ingress leads to it
	env         []variable
	variables   map[dependency]string // the variable with each dependency's address
	startsAfter []*component          // what must be up before; without cycles
	index       int                   // in the layout's components
	allBefore   set                   // all that must be up before
	queues      []*subscription
	routes      []route // of an ingress: to programs; of a program: from ingresses
}

// dependency is what a program uses, by the edge's type.
type dependency struct {
	to   *component
	kind string
}

// subscription is a program's use of a queue.
type subscription struct {
	Name, Topic        string
	Variable           string // that holds the brokers
	Consumes, Produces bool
}

// route leads from an ingress to a program.
type route struct {
	host        string
	ingress, to *component
	grpc        bool
}

// variable is one of a program's environment. Where password is not empty it names the
// variable with the secret between value and after.
type variable struct{ name, value, password, after string }

// firstPort is the first port that codegen chooses; those of the stack are below.
const firstPort = 4000

// newLayout checks and resolves a graph. The error is a [*GraphError].
func newLayout(slug string, g *contract.Architecture) (*layout, error) {
	if !label.MatchString(slug) {
		return nil, &GraphError{fmt.Sprintf("slug %.64q", slug), "is no DNS label: lower-case letters, digits and -, at most 63"}
	}
	if len(g.Nodes) > maxNodes || len(g.Edges) > maxEdges {
		return nil, &GraphError{"graph", fmt.Sprintf("has more than %d nodes or %d edges", maxNodes, maxEdges)}
	}
	byID := map[string]*component{}
	for _, n := range g.Nodes {
		if err := checkNode(n); err != nil {
			return nil, err
		}
		if byID[n.ID] != nil {
			return nil, byID[n.ID].errorf("another node has this id")
		}
		byID[n.ID] = &component{node: n, variables: map[dependency]string{}}
	}
	names, err := chooseNames(g.Nodes)
	if err != nil {
		return nil, err
	}
	l := &layout{slug: slug, ports: map[int]string{}, hosts: map[string]*component{}}
	for i, n := range g.Nodes {
		a := byID[n.ID]
		a.name = names[i]
		if err := l.add(a); err != nil {
			return nil, err
		}
	}
	l.choosePorts()
	for i, e := range g.Edges {
		if err := l.connect(i, e, byID); err != nil {
			return nil, err
		}
	}
	return l, l.route()
}

// errorf returns a [*GraphError] of the node.
func (a *component) errorf(format string, args ...any) error {
	return &GraphError{fmt.Sprintf("node %.64q", a.node.ID), fmt.Sprintf(format, args...)}
}

// add adds a node.
func (l *layout) add(a *component) error {
	if a.node.Type == contract.NodeIngress {
		l.ingresses = append(l.ingresses, a)
		return nil
	}
	a.index = len(l.components)
	l.components = append(l.components, a)
	if !isProgram(a.node.Type) {
		a.port = stores[a.node.Type].port
		return nil
	}
	if a.node.Language == "" {
		a.node.Language = languageNestJS
	}
	if a.port = a.node.Port; a.port == 0 {
		return nil // chosen once all others are known
	}
	if other, taken := l.ports[a.port]; taken {
		return a.errorf("node %.64q has port %d already", other, a.port)
	}
	l.ports[a.port] = a.node.ID
	return nil
}

// choosePorts gives a port to each program without one.
func (l *layout) choosePorts() {
	for _, a := range l.programs() {
		if a.port == 0 {
			a.port = l.freePort(a)
		}
	}
}

// freePort reserves a free port for a program.
func (l *layout) freePort(a *component) int {
	port := firstPort
	for l.ports[port] != "" {
		port++
	}
	l.ports[port] = a.node.ID
	return port
}

// programs returns the components with code of their own.
func (l *layout) programs() []*component {
	return slices.DeleteFunc(slices.Clone(l.components), func(a *component) bool { return !isProgram(a.node.Type) })
}

// route gives a host name to each route: the ingress's own to the first, one below it to
// the others.
func (l *layout) route() error {
	for _, in := range l.ingresses {
		base := in.node.Host
		if base == "" {
			base = in.name + "." + l.slug + "." + contract.AppsDomain
		}
		for i := range in.routes {
			r := &in.routes[i]
			r.host = base
			if i > 0 {
				r.host = r.to.name + "." + base
			}
			if other := l.hosts[r.host]; other != nil {
				return in.errorf("the host %s is that of node %.64q already", r.host, other.node.ID)
			}
			if len(r.host) > maxHost {
				return in.errorf("the host %s is longer than %d bytes: give the ingress a shorter one", r.host, maxHost)
			}
			l.hosts[r.host] = in
			r.to.routes = append(r.to.routes, *r)
			if r.to.publish == 0 {
				r.to.publish = l.publish(r.to)
			}
		}
	}
	return nil
}

// publish returns a program's port on the host, which is never below 1024: those are for
// the gateway and need privileges.
func (l *layout) publish(a *component) int {
	if a.port >= 1024 {
		return a.port
	}
	return l.freePort(a)
}
