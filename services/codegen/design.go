package codegen

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"

	"axion/services/contract"
)

// Bounds of a graph that is generated from; graph-service has the same.
const (
	maxNodes = 200
	maxEdges = 1000
	// firstPort is that of the first service that names none.
	firstPort = 4000
)

// GraphError says which node or edge of a graph cannot be generated.
type GraphError struct{ Part, Reason string }

// Error names the node or the edge.
func (e *GraphError) Error() string { return e.Part + ": " + e.Reason }

// part is one node as it is generated.
type part struct {
	contract.Node
	name string
	port int     // of programs
	asks []*link // what it depends on
}

// link is an edge as its beginning sees it.
type link struct {
	to   *part
	kind string
}

// design is a graph that can be generated.
type design struct {
	project, slug string
	parts         []*part
}

// program reports whether the node is code of the project's own.
func (p *part) program() bool { return p.Type == contract.NodeService || p.Type == contract.NodeLogic }

var label = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`) // RFC 1123

// newDesign refuses what could not be generated: names become those of files, hosts
// and containers.
func newDesign(req contract.GenerateCodeRequest, title string) (*design, error) {
	g := req.Graph
	if len(g.Nodes) > maxNodes || len(g.Edges) > maxEdges {
		return nil, &GraphError{"graph", fmt.Sprintf("has more than %d nodes or %d edges", maxNodes, maxEdges)}
	}
	d := &design{project: title, slug: req.Slug}
	if d.slug == "" {
		d.slug = packageName(req.ProjectID)
	}
	if !label.MatchString(d.slug) {
		return nil, &GraphError{"slug", strconv.Quote(d.slug) + " is not a DNS label"}
	}
	byID, names, ports := map[string]*part{}, map[string]string{}, map[int]string{}
	for _, n := range g.Nodes {
		at := "node " + strconv.Quote(n.ID)
		p := &part{Node: n, name: n.Name, port: n.Port}
		if p.name == "" {
			p.name = packageName(n.ID)
		}
		switch {
		case n.ID == "" || byID[n.ID] != nil:
			return nil, &GraphError{at, "its id is missing or used twice"}
		case !slices.Contains([]string{contract.NodeService, contract.NodeLogic, contract.NodeDatabase, contract.NodeQueue, contract.NodeCache, contract.NodeIngress}, n.Type):
			return nil, &GraphError{at, "unknown type " + strconv.Quote(n.Type)}
		case !label.MatchString(p.name):
			return nil, &GraphError{at, "its name " + strconv.Quote(p.name) + " is not a DNS label"}
		case names[p.name] != "":
			return nil, &GraphError{at, "its name " + p.name + " is that of " + names[p.name] + " too"}
		case !slices.Contains([]string{"", "nestjs", "go"}, n.Language):
			return nil, &GraphError{at, "its language " + strconv.Quote(n.Language) + " is neither nestjs nor go"}
		case n.Host != "" && !hostName.MatchString(n.Host):
			return nil, &GraphError{at, "its host " + strconv.Quote(n.Host) + " is not a host name"}
		case n.Port < 0 || n.Port > 65535 || n.Port > 0 && ports[n.Port] != "":
			return nil, &GraphError{at, "its port " + strconv.Itoa(n.Port) + " is no port, or used twice"}
		}
		byID[n.ID], names[p.name] = p, at
		if n.Port > 0 {
			ports[n.Port] = at
		}
		d.parts = append(d.parts, p)
	}
	d.number(ports)
	return d, d.join(g.Edges, byID)
}

var hostName = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$`)

// number gives programs ports of their own.
func (d *design) number(taken map[int]string) {
	next := firstPort
	for _, p := range d.parts {
		if !p.program() || p.port != 0 {
			continue
		}
		for taken[next] != "" {
			next++
		}
		p.port, taken[next] = next, p.name
	}
}

func (d *design) join(edges []contract.Edge, byID map[string]*part) error {
	for _, e := range edges {
		at := "edge " + strconv.Quote(e.ID)
		from, to := byID[e.From], byID[e.To]
		switch {
		case from == nil:
			return &GraphError{at, "begins at " + strconv.Quote(e.From) + ", which is no node"}
		case to == nil:
			return &GraphError{at, "ends at " + strconv.Quote(e.To) + ", which is no node"}
		case !slices.Contains([]string{contract.EdgeHTTP, contract.EdgeGRPC, contract.EdgeKafka, contract.EdgeDatabase}, e.Type):
			return &GraphError{at, "unknown type " + strconv.Quote(e.Type)}
		}
		if e.Type == contract.EdgeKafka && !from.program() {
			from, to = to, from // whoever receives depends on the queue too
		}
		if from != to && !slices.ContainsFunc(from.asks, func(l *link) bool { return l.to == to }) {
			from.asks = append(from.asks, &link{to, e.Type})
		}
	}
	return nil
}

// fronts are the ingresses that lead to a program, with its place below each: a
// prefix where it shares the ingress, empty where it has it alone.
func (d *design) fronts(p *part) map[*part]string {
	list := map[*part]string{}
	for _, in := range d.parts {
		if in.Type != contract.NodeIngress {
			continue
		}
		for _, l := range in.asks {
			if l.to == p {
				if list[in] = ""; len(in.asks) > 1 {
					list[in] = "/" + p.name
				}
			}
		}
	}
	return list
}

// hostOf is the public name of an ingress.
func (d *design) hostOf(in *part) string {
	if in.Host != "" {
		return in.Host
	}
	return in.name + "." + d.slug + "." + contract.AppsDomain
}
