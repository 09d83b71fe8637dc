package codegen

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"axion/services/contract"
)

// join adds what an edge means to the parts at its ends.
func (p *plan) join(index int, e contract.Edge, nodes map[string]*part) error {
	at := fmt.Sprintf("edge %.64q", e.ID)
	if e.ID == "" {
		at = fmt.Sprintf("edge %d", index)
	}
	wrong := func(format string, args ...any) error { return &GraphError{at, fmt.Sprintf(format, args...)} }
	from, to := nodes[e.From], nodes[e.To]
	switch {
	case !slices.Contains(edgeTypes, e.Type):
		return wrong("unknown type %.64q; there are %s", e.Type, strings.Join(edgeTypes, ", "))
	case from == nil:
		return wrong("begins at %.64q, which is no node", e.From)
	case to == nil:
		return wrong("ends at %.64q, which is no node", e.To)
	case from == to:
		return wrong("leads from node %.64q to itself", e.From)
	case !fits(e.Type, from.node.Type, to.node.Type):
		return wrong("leads from %s %.64q to %s %.64q, but an edge of type %s %s",
			from.node.Type, e.From, to.node.Type, e.To, e.Type, joins[e.Type])
	}
	switch {
	case from.node.Type == contract.NodeIngress:
		from.lead(to, e.Type == contract.EdgeGRPC)
		return nil
	case e.Type == contract.EdgeKafka && isProgram(to.node.Type):
		from, to = to, from // who receives depends on the queue too
		p.subscribe(from, to).Consumes = true
	case e.Type == contract.EdgeKafka:
		p.subscribe(from, to).Produces = true
	default:
		from.use(to, e.Type)
	}
	p.need(from, to)
	return nil
}

// lead adds a route from an ingress, once for each program.
func (a *part) lead(to *part, grpc bool) {
	if i := slices.IndexFunc(a.routes, func(r route) bool { return r.to == to }); i >= 0 {
		a.routes[i].grpc = a.routes[i].grpc || grpc
		return
	}
	a.routes = append(a.routes, route{ingress: a, to: to, grpc: grpc})
}

// subscribe is a program's part in a queue. Projects may share a broker, so that
// the topic has the project's name in it.
func (p *plan) subscribe(a, queue *part) *subscription {
	for _, s := range a.queues {
		if s.Name == queue.name {
			return s
		}
	}
	s := &subscription{
		Name: queue.name, Topic: p.slug + "." + queue.name + ".events", Variable: a.use(queue, contract.EdgeKafka),
	}
	a.queues = append(a.queues, s)
	return s
}

// use tells a program where something is, once, and returns the variable that does:
// the one that libraries look for, or for a second of a kind one with its name.
func (a *part) use(to *part, kind string) string {
	if name, known := a.told[tie{to, kind}]; known {
		return name
	}
	own := envName(to.name)
	address := to.name + ":" + strconv.Itoa(to.port)
	var v variable
	var names []string
	switch {
	case kind == contract.EdgeGRPC:
		v.value, names = address, []string{own + "_GRPC_TARGET"}
	case kind == contract.EdgeHTTP:
		v.value, names = "http://"+address, []string{own + "_URL"}
	case kind == contract.EdgeKafka:
		v.value, names = address, []string{"KAFKA_BROKERS", own + "_BROKERS"}
	case to.node.Type == contract.NodeCache:
		v.value, names = "redis://"+address, []string{"REDIS_URL", own + "_URL"}
	default:
		v = variable{value: "postgres://app:", password: passwordOf(to), after: "@" + address + "/app?sslmode=disable"}
		names = []string{"DATABASE_URL", own + "_URL"}
	}
	v.name = a.free(names)
	a.env = append(a.env, v)
	a.told[tie{to, kind}] = v.name
	return v.name
}

// free is the first of names that the program's environment has not got, and with a
// number where it has them all.
func (a *part) free(names []string) string {
	has := func(name string) bool {
		return slices.ContainsFunc(a.env, func(v variable) bool { return v.name == name })
	}
	for _, name := range names {
		if !has(name) {
			return name
		}
	}
	last := names[len(names)-1]
	for i := 2; ; i++ {
		if name := last + "_" + strconv.Itoa(i); !has(name) {
			return name
		}
	}
}

// passwordOf names the variable with a database's password.
func passwordOf(s *part) string { return envName(s.name) + "_PASSWORD" }

// need makes b start before a, unless b waits for a: programs may call each other
// in circles, but cannot all be first.
func (p *plan) need(a, b *part) {
	if slices.Contains(a.needs, b) || b.waits.has(a) {
		return
	}
	a.needs = append(a.needs, b)
	for _, x := range p.parts { // what waits for a waits for b, and what b waits for
		if x == a || x.waits.has(a) {
			x.waits.add(b)
		}
	}
}

// set is a set of parts with their own sets: to follow the edges anew for each one
// that is added would take a time that grows with their square.
type set [(maxNodes + 63) / 64]uint64

func (s *set) has(a *part) bool { return s[a.index/64]&(1<<(a.index%64)) != 0 }

// add puts a part in, and all that it waits for.
func (s *set) add(a *part) {
	s[a.index/64] |= 1 << (a.index % 64)
	for i := range s {
		s[i] |= a.waits[i]
	}
}
