package proxy

import (
	"context"
	"net/http"
	"slices"
	"sync"
)

// Service answers requests for one configured service.
type Service interface {
	http.Handler
	// Up reports whether a request can be answered now.
	Up() bool
	// ProbeSoon has servers that are down asked whether they still are. It does not wait.
	ProbeSoon()
	// AwaitUp does, and waits for a moment until one is up where none was. It reports Up.
	AwaitUp(ctx context.Context) bool
	// OnChange has f called, one call at a time, after Up has changed, until remove is
	// called, which f must not do. A call under way goes on meanwhile.
	OnChange(f func(up bool)) (remove func())
	// Servers returns every server's state.
	Servers() []Status
	// Close ends what runs behind; requests go on being served.
	Close()
}

// watchers are notified of changes.
type watchers struct {
	mu   sync.Mutex
	list []*func(up bool)
}

func (w *watchers) add(f func(up bool)) (remove func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.list = append(w.list, &f)
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.list = slices.DeleteFunc(w.list, func(g *func(bool)) bool { return g == &f })
	}
}

func (w *watchers) notify(up bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, f := range w.list {
		(*f)(up)
	}
}

// compositeBase is a service made of others.
type compositeBase struct {
	name     string
	children []Service
	watch    watchers
	// reports says that the group is up where a child is; else it always is.
	reports bool
	removes []func() // of the callbacks at the children
}

// follow has the group report its children's changes. up is the group's own view.
func (g *compositeBase) follow(up func() bool) {
	if !g.reports {
		return
	}
	var mu sync.Mutex
	was := up()
	for _, c := range g.children {
		g.removes = append(g.removes, c.OnChange(func(bool) {
			mu.Lock()
			defer mu.Unlock()
			if now := up(); now != was {
				was = now
				g.watch.notify(now)
			}
		}))
	}
}

func (g *compositeBase) anyUp() bool {
	for _, c := range g.children {
		if c.Up() {
			return true
		}
	}
	return false
}

// Up reports whether any child is up, where the configuration asks for that.
func (g *compositeBase) Up() bool { return !g.reports || g.anyUp() }

// OnChange has f called after Up has changed, until remove is called.
func (g *compositeBase) OnChange(f func(up bool)) (remove func()) { return g.watch.add(f) }

// Servers are those of all children.
func (g *compositeBase) Servers() []Status {
	var list []Status
	for _, c := range g.children {
		list = append(list, c.Servers()...)
	}
	return list
}

// Close removes the group's callbacks from its children, which outlive it where only the
// group has changed. They are closed by whom they belong to.
func (g *compositeBase) Close() {
	for _, remove := range g.removes {
		remove()
	}
}
