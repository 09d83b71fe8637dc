package codegen

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"axion/services/contract"
)

// connect adds what an edge means to the components at its ends.
func (l *layout) connect(index int, e contract.Edge, nodes map[string]*component) error {
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
	case !edgeAllowed(e.Type, from.node.Type, to.node.Type):
		return wrong("leads from %s %.64q to %s %.64q, but an edge of type %s %s",
			from.node.Type, e.From, to.node.Type, e.To, e.Type, edgeRules[e.Type])
	}
	switch {
	case from.node.Type == contract.NodeIngress:
		from.addRoute(to, e.Type == contract.EdgeGRPC)
		return nil
	case e.Type == contract.EdgeKafka && isProgram(to.node.Type):
		from, to = to, from // a consumer depends on the queue too
		l.subscribe(from, to).Consumes = true
	case e.Type == contract.EdgeKafka:
		l.subscribe(from, to).Produces = true
	default:
		from.addEnv(to, e.Type)
	}
	l.startAfter(from, to)
	return nil
}

// addRoute adds a route from an ingress, once for each program.
func (a *component) addRoute(to *component, grpc bool) {
	if i := slices.IndexFunc(a.routes, func(r route) bool { return r.to == to }); i >= 0 {
		a.routes[i].grpc = a.routes[i].grpc || grpc
		return
	}
	a.routes = append(a.routes, route{ingress: a, to: to, grpc: grpc})
}

// subscribe returns a program's subscription to a queue. Projects may share a broker, so
// that the topic has the project's name in it.
func (l *layout) subscribe(a, queue *component) *subscription {
	for _, s := range a.queues {
		if s.Name == queue.name {
			return s
		}
	}
	s := &subscription{
		Name: queue.name, Topic: l.slug + "." + queue.name + ".events", Variable: a.addEnv(queue, contract.EdgeKafka),
	}
	a.queues = append(a.queues, s)
	return s
}

// addEnv adds a variable with the address of a dependency, once, and returns its name: the
// one that libraries read, or for a second of a kind one with the dependency's name.
func (a *component) addEnv(to *component, kind string) string {
	if name, known := a.variables[dependency{to, kind}]; known {
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
	v.name = a.freeName(names)
	a.env = append(a.env, v)
	a.variables[dependency{to, kind}] = v.name
	return v.name
}

// freeName returns the first of names that is not in the program's environment, and the
// last with a number where all are.
func (a *component) freeName(names []string) string {
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
func passwordOf(s *component) string { return envName(s.name) + "_PASSWORD" }

// startAfter makes b start before a, unless a is started before b: programs may call each
// other in circles, but cannot all be first.
func (l *layout) startAfter(a, b *component) {
	if slices.Contains(a.startsAfter, b) || b.allBefore.has(a) {
		return
	}
	a.startsAfter = append(a.startsAfter, b)
	for _, x := range l.components { // what is after a is after b, and after all before b
		if x == a || x.allBefore.has(a) {
			x.allBefore.add(b)
		}
	}
}

// set is a set of components. It has those before its components too: to follow the edges
// anew for each one that is added would take quadratic time.
type set [(maxNodes + 63) / 64]uint64

// has reports whether a component is in the set.
func (s *set) has(a *component) bool { return s[a.index/64]&(1<<(a.index%64)) != 0 }

// add adds a component, and all before it.
func (s *set) add(a *component) {
	s[a.index/64] |= 1 << (a.index % 64)
	for i := range s {
		s[i] |= a.allBefore[i]
	}
}
