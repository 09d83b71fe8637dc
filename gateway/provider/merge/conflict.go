package merge

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"axion/gateway/config"
)

// group holds all definitions of one kind, by qualified name.
type group[T any] struct {
	kind   string
	origin func(*T) *config.Origin
	first  map[string]*T
	others map[string][]*T // of the names that are defined more than once, all but the first
}

func newGroup[T any](kind string, origin func(*T) *config.Origin) group[T] {
	return group[T]{kind: kind, origin: origin, first: map[string]*T{}, others: map[string][]*T{}}
}

// sized is an empty group for about n definitions.
func (g group[T]) sized(n int) group[T] {
	g.first = make(map[string]*T, n)
	return g
}

func (g *group[T]) add(name string, v *T) {
	if g.first[name] == nil {
		g.first[name] = v
		return
	}
	g.others[name] = append(g.others[name], v)
}

func collect[T any](g *group[T], provider string, defs map[string]*T) {
	for name, v := range defs {
		if v != nil {
			g.add(qualify(name, provider), v)
		}
	}
}

// same is a if both say the same, else nil.
func (g *group[T]) same(a, b *T) *T {
	x, y := *a, *b
	*g.origin(&x), *g.origin(&y) = config.Origin{}, config.Origin{}
	if reflect.DeepEqual(x, y) {
		return a
	}
	return nil
}

// selectByLayer takes each name's definition from the highest layer that has one. Where
// several there are not the same, join decides if it is not nil; none is taken
// if it returns nil.
func selectByLayer[T any](m *merger, g *group[T], join func(a, b *T) *T) map[string]*T {
	for _, name := range slices.Sorted(maps.Keys(g.others)) {
		defs := append([]*T{g.first[name]}, g.others[name]...)
		slices.SortStableFunc(defs, func(a, b *T) int {
			x, y := g.origin(a), g.origin(b)
			return cmp.Or(y.Layer-x.Layer, cmp.Compare(x.File, y.File), cmp.Compare(x.Service, y.Service), cmp.Compare(x.Line, y.Line))
		})
		if v := resolveConflict(m, g, name, defs, join); v != nil {
			g.first[name] = v
		} else {
			delete(g.first, name)
		}
	}
	return g.first
}

// resolveConflict is what definitions of one name amount to, or nil. They are in order.
func resolveConflict[T any](m *merger, g *group[T], name string, defs []*T, join func(a, b *T) *T) *T {
	top := *g.origin(defs[0])
	value, places := defs[0], []config.Origin{top}
	for _, def := range defs[1:] {
		o := *g.origin(def)
		if o.Layer < top.Layer {
			m.problem(config.Warning, top, fmt.Sprintf("the %s %q replaces that of %s", g.kind, config.BareName(name), ownerOf(o)), "")
			continue
		}
		places = append(places, o)
		if value == nil {
			continue
		}
		joined := g.same(value, def)
		if joined == nil && join != nil {
			joined = join(value, def)
		}
		value = joined
	}
	if value == nil {
		m.conflict(g.kind, name, places)
	}
	return value
}

// conflict reports definitions of one name that differ: all are left out.
func (m *merger) conflict(kind, name string, places []config.Origin) {
	for i, p := range places {
		other := places[(i+1)%len(places)]
		m.problem(config.Error, p, fmt.Sprintf("the %s %q is left out: %s defines it differently", kind, config.BareName(name), ownerOf(other)),
			"give one of them another name")
	}
}

// ownerOf names the place of a definition.
func ownerOf(o config.Origin) string {
	if o.Service == "" {
		return o.File
	}
	return fmt.Sprintf("service %q in %s", o.Service, o.File)
}

func (m *merger) problem(severity config.Severity, at config.Origin, message, hint string) {
	m.out.Problems = append(m.out.Problems, config.Problem{
		Severity: severity, File: at.File, Line: at.Line, Service: at.Service, Message: message, Fix: hint,
	})
}
