package merge

import (
	"axion/gateway/config"
	"axion/gateway/label"
)

// Memos keep what merging makes of the definitions of the sources, so that what did not
// change is the same object in the next configuration: who builds from it sees by
// the pointer that there is nothing to do.
type Memos struct {
	sets              memo[label.Set, Definitions]
	routers           memo[config.Router, config.Router]
	services          memo[config.Service, config.Service]
	middlewares       memo[config.Middleware, config.Middleware]
	mergedMiddlewares memo[config.Middleware, mergedMiddleware]
}

// Forget drops what merging did not use since the last call.
func (m *Memos) Forget() {
	m.sets.forget()
	m.routers.forget()
	m.services.forget()
	m.middlewares.forget()
	m.mergedMiddlewares.forget()
}

// memo keeps what was made of values that do not change, by their pointers.
type memo[K, V any] struct{ recent, older map[*K]*V }

// of is what build makes of k, or made of it before.
func (m *memo[K, V]) of(k *K, build func(*K) *V) *V {
	v, ok := m.recent[k]
	if ok {
		return v
	}
	if v, ok = m.older[k]; !ok {
		v = build(k)
	}
	if m.recent == nil {
		m.recent = make(map[*K]*V, len(m.older))
	}
	m.recent[k] = v
	return v
}

func (m *memo[K, V]) forget() { m.older, m.recent = m.recent, nil }

// size is about how many there are.
func (m *memo[K, V]) size() int { return max(len(m.older), len(m.recent)) }
