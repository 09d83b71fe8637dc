package codegen

import (
	"fmt"
	"slices"

	"axion/services/contract"
)

// plan is a graph that was checked and resolved: all generated files are written
// from it. Its order is that of the graph.
type plan struct {
	slug               string
	title, description string
	parts              []*part // all but the ingresses
	ingresses          []*part
	ports              map[int]string // by which node each is taken
	hosts              map[string]*part
}

// part is one node.
type part struct {
	node    contract.Node
	name    string
	port    int // where it listens; 0 for an ingress
	publish int // where the host's own loopback reaches it; 0 where nothing leads to it
	env     []variable
	told    map[tie]string // by which variable it knows what it uses
	needs   []*part        // what has to be up first; without cycles
	index   int            // among the plan's parts
	waits   set            // all that has to be up first
	queues  []*subscription
	routes  []route // of an ingress: to where; of a program: from where
}

// tie is what an edge joins a program to.
type tie struct {
	to   *part
	kind string
}

// subscription is a program's part in a queue.
type subscription struct {
	Name, Topic        string
	Variable           string // that holds the brokers
	Consumes, Produces bool
}

// route is one way from an ingress to a program.
type route struct {
	host        string
	ingress, to *part
	grpc        bool
}

// variable is one of a program's environment. Where password is not empty it names
// the variable that holds the secret which stands between value and after.
type variable struct{ name, value, password, after string }

// firstPort is the first of those that codegen chooses; the stack's own are below.
const firstPort = 4000

// newPlan checks and resolves a graph. The error is a [*GraphError].
func newPlan(slug string, g *contract.Architecture) (*plan, error) {
	if !label.MatchString(slug) {
		return nil, &GraphError{fmt.Sprintf("slug %.64q", slug), "is no DNS label: lower-case letters, digits and -, at most 63"}
	}
	if len(g.Nodes) > maxNodes || len(g.Edges) > maxEdges {
		return nil, &GraphError{"graph", fmt.Sprintf("has more than %d nodes or %d edges", maxNodes, maxEdges)}
	}
	byID := map[string]*part{}
	for _, n := range g.Nodes {
		if err := checkNode(n); err != nil {
			return nil, err
		}
		if byID[n.ID] != nil {
			return nil, byID[n.ID].wrong("another node has this id")
		}
		byID[n.ID] = &part{node: n, told: map[tie]string{}}
	}
	names, err := chooseNames(g.Nodes)
	if err != nil {
		return nil, err
	}
	p := &plan{slug: slug, ports: map[int]string{}, hosts: map[string]*part{}}
	for i, n := range g.Nodes {
		a := byID[n.ID]
		a.name = names[i]
		if err := p.add(a); err != nil {
			return nil, err
		}
	}
	p.choosePorts()
	for i, e := range g.Edges {
		if err := p.join(i, e, byID); err != nil {
			return nil, err
		}
	}
	return p, p.route()
}

func (a *part) wrong(format string, args ...any) error {
	return &GraphError{fmt.Sprintf("node %.64q", a.node.ID), fmt.Sprintf(format, args...)}
}

func (p *plan) add(a *part) error {
	if a.node.Type == contract.NodeIngress {
		p.ingresses = append(p.ingresses, a)
		return nil
	}
	a.index = len(p.parts)
	p.parts = append(p.parts, a)
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
	if other, taken := p.ports[a.port]; taken {
		return a.wrong("node %.64q has port %d already", other, a.port)
	}
	p.ports[a.port] = a.node.ID
	return nil
}

func (p *plan) choosePorts() {
	for _, a := range p.programs() {
		if a.port == 0 {
			a.port = p.freePort(a)
		}
	}
}

func (p *plan) freePort(a *part) int {
	port := firstPort
	for p.ports[port] != "" {
		port++
	}
	p.ports[port] = a.node.ID
	return port
}

// programs are the parts with code of their own.
func (p *plan) programs() []*part {
	return slices.DeleteFunc(slices.Clone(p.parts), func(a *part) bool { return !isProgram(a.node.Type) })
}

// route gives a host name to each way in: the ingress's own to the first, one below
// it to the others.
func (p *plan) route() error {
	for _, in := range p.ingresses {
		base := in.node.Host
		if base == "" {
			base = in.name + "." + p.slug + "." + contract.AppsDomain
		}
		for i := range in.routes {
			r := &in.routes[i]
			r.host = base
			if i > 0 {
				r.host = r.to.name + "." + base
			}
			if other := p.hosts[r.host]; other != nil {
				return in.wrong("the host %s is that of node %.64q already", r.host, other.node.ID)
			}
			if len(r.host) > maxHost {
				return in.wrong("the host %s is longer than %d bytes: give the ingress a shorter one", r.host, maxHost)
			}
			p.hosts[r.host] = in
			r.to.routes = append(r.to.routes, *r)
			if r.to.publish == 0 {
				r.to.publish = p.publish(r.to)
			}
		}
	}
	return nil
}

// publish leaves the ports below 1024 to the gateway and to whoever is root.
func (p *plan) publish(a *part) int {
	if a.port >= 1024 {
		return a.port
	}
	return p.freePort(a)
}
