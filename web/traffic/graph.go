package traffic

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Bounds of a map: more of a kind than that nobody can look at.
const (
	maxOfKind = 24 // nodes
	// maxIdle is how many services are shown that are no parts of the stack and that
	// nobody has ever asked, such as projects that were deployed.
	maxIdle = 4
)

// graphBuilder is a map while it is being made.
type graphBuilder struct {
	now, before *sample
	seconds     float64
	nodes       map[string]*Node
	received    map[string]*edgeCounters // what a node receives, since before
	edges       []Edge
	own         map[string]bool // the stack's parts
	senders     map[string]bool // those whose spans are kept
}

// build makes the map of the samples. The caller holds mu.
func (m *Monitor) build(parts []Part, routes []Route) Map {
	before, now := m.windowSamples()
	d := &graphBuilder{now: now, before: before, seconds: now.at.Sub(before.at).Seconds(), nodes: map[string]*Node{},
		received: map[string]*edgeCounters{}, own: map[string]bool{}, senders: map[string]bool{}}
	d.node(client).Detail = sockets(now.sockets)
	d.node(gateway)
	d.parts(parts, routes)
	for w, t := range d.now.edges {
		if d.hasTraffic(w, t) {
			d.edge(w, t)
		}
	}
	routed := map[string]bool{}
	for _, r := range routes {
		if n := d.nodes[service(r.Name)]; n != nil && !routed[r.Name] && d.now.edges[edgeKey{gateway, n.ID, HopHTTP}] == nil {
			d.edge(edgeKey{gateway, n.ID, HopHTTP}, &edgeCounters{})
			routed[r.Name] = true
		}
	}
	if m.opts.Spans != nil {
		d.peers(m.opts.Spans.Services())
	}
	return d.finish()
}

func sockets(n int64) string {
	switch n {
	case 0:
		return ""
	case 1:
		return "1 WebSocket"
	}
	return strconv.FormatInt(n, 10) + " WebSockets"
}

// parts adds those that are there without traffic, but for the broker, which is its
// topics.
func (d *graphBuilder) parts(parts []Part, routes []Route) {
	for _, p := range parts {
		switch p.Kind {
		case "gateway":
			d.nodes[gateway].State, d.nodes[gateway].Detail = p.State, p.Detail
		case "service":
			n := d.node(service(p.Name))
			d.own[n.ID] = true
			n.State, n.Detail, n.Instances = p.State, p.Detail, len(d.now.instances[p.Name])
		}
	}
	for _, r := range routes {
		if n := d.nodes[service(r.Name)]; r.Name == "" || n != nil && n.State != "unknown" {
			continue
		}
		if t := d.now.edges[edgeKey{gateway, service(r.Name), HopHTTP}]; t == nil && (!r.Known || r.HideWhenIdle) {
			continue // nothing says that it is more than a line in a file
		}
		switch n := d.node(service(r.Name)); {
		case r.Known && !r.Up:
			n.State = "unhealthy"
		case r.Checked:
			n.State = "healthy"
		}
	}
}

// hasTraffic leaves out topics that nothing has ever passed or is kept in.
func (d *graphBuilder) hasTraffic(w edgeKey, t *edgeCounters) bool {
	if t.n > 0 || w.hop == HopWebSocket {
		return true
	}
	name, is := strings.CutPrefix(w.from, "topic/")
	return is && d.now.retained[name] > 0
}

func (d *graphBuilder) edge(w edgeKey, t *edgeCounters) {
	since := t.since(d.before.edges[w])
	if d.before == d.now {
		since = edgeCounters{}
	}
	if before := d.before.edges[w]; before != nil && t.at.After(before.at) { // over another time than the rest
		since.n *= d.seconds / t.at.Sub(before.at).Seconds()
	}
	from, to := d.node(w.from), d.node(w.to)
	if from.Kind == KindTopic || to.Kind == KindTopic {
		for _, n := range []*Node{from, to} {
			if held, ok := d.now.retained[n.Name]; ok && n.Kind == KindTopic {
				n.Held, n.Lag = &held, d.now.lag[n.Name]
			}
		}
	}
	sum := d.received[w.to]
	if sum == nil {
		sum = &edgeCounters{}
		d.received[w.to] = sum
	}
	sum.add(since)
	to.Total += t.n
	e := Edge{From: w.from, To: w.to, Hop: w.hop, Load: d.load(since)}
	e.Total = t.n
	d.edges = append(d.edges, e)
}

func (d *graphBuilder) load(t edgeCounters) Load {
	l := Load{P50: t.durations.median()}
	if d.seconds > 0 {
		l.Rate, l.Errors = t.n/d.seconds, t.errors/d.seconds
	}
	return l
}

// node finds a node by its id, or makes it.
func (d *graphBuilder) node(id string) *Node {
	n := d.nodes[id]
	if n == nil {
		kind, name, is := strings.Cut(id, "/")
		if !is {
			name = map[string]string{client: "Clients", gateway: "Gateway"}[id]
		}
		n = &Node{ID: id, Kind: Kind(kind), Name: name}
		if n.Kind == KindService {
			n.State = "unknown"
		}
		d.nodes[id] = n
	}
	return n
}

// peers adds those whose spans were received, and that nothing else knows of.
func (d *graphBuilder) peers(names []string) {
	for _, name := range names {
		if name == gateway || name == "dashboard" { // which is not looked at here
			continue
		}
		id := service(name)
		if d.senders[id] = true; d.nodes[id] == nil {
			d.node(id).Detail = "sends traces"
		}
	}
}

// finish puts all in order, and leaves out what is too much.
func (d *graphBuilder) finish() Map {
	m := Map{At: d.now.at.UTC(), Window: d.seconds, Nodes: []Node{}, Edges: []Edge{}}
	var nodes []*Node
	for id, n := range d.nodes {
		if t := d.received[id]; t != nil {
			total := n.Total
			n.Load = d.load(*t)
			n.Total = total
		}
		nodes = append(nodes, n)
	}
	slices.SortFunc(nodes, func(a, b *Node) int {
		return cmp.Or(cmp.Compare(column(a.Kind), column(b.Kind)), -cmp.Compare(d.weight(a), d.weight(b)), cmp.Compare(a.ID, b.ID))
	})
	told, count, idle := map[string]bool{}, map[int]int{}, 0
	for _, n := range nodes {
		if d.idle(n) {
			idle++
		}
		if count[column(n.Kind)]++; count[column(n.Kind)] > maxOfKind || d.idle(n) && idle > maxIdle {
			m.Left++
			continue
		}
		told[n.ID] = true
		m.Nodes = append(m.Nodes, *n)
	}
	for _, e := range d.edges {
		if told[e.From] && told[e.To] {
			m.Edges = append(m.Edges, e)
		}
	}
	byID := func(a, b Node) int {
		return cmp.Or(cmp.Compare(column(a.Kind), column(b.Kind)), cmp.Compare(a.ID, b.ID))
	}
	slices.SortFunc(m.Nodes, byID)
	slices.SortFunc(m.Edges, func(a, b Edge) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To)) })
	return m
}

func (d *graphBuilder) idle(n *Node) bool {
	return n.Kind == KindService && n.Total == 0 && !d.own[n.ID] && !d.senders[n.ID]
}

func column(k Kind) int {
	return slices.Index([]Kind{KindClient, KindGateway, KindService, KindPeer, KindTopic}, k)
}

// weight ranks what to show: what is a part of the stack comes first.
func (d *graphBuilder) weight(n *Node) float64 {
	switch {
	case d.own[n.ID]:
		return math.MaxFloat64
	case d.senders[n.ID]:
		return n.Total + 1 // before those that nothing is heard of
	}
	return n.Total
}
