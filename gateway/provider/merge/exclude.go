package merge

import (
	"fmt"
	"maps"
	"slices"

	"axion/gateway/config"
)

// excludeFailed removes the routers and services that need a middleware which cannot be
// built, by itself or through a chain: without it they would serve what they must not.
func (m *merger) excludeFailed(merged map[string]*mergedMiddleware) {
	failed := map[string]string{} // middlewares that cannot be, and why
	for name, w := range merged {
		if w.unsupported != "" {
			failed[name] = w.unsupported
		}
	}
	if len(failed) == 0 {
		return
	}
	for addFailedChains(failed, m.out.Middlewares) {
	}
	excludeUsers(m, m.out.Services, failed, func(s *config.Service) (string, config.Origin, []string) {
		return "service", s.Origin, s.Middlewares
	})
	excludeUsers(m, m.out.Routers, failed, func(r *config.Router) (string, config.Origin, []string) {
		return "router", r.Origin, r.Middlewares
	})
}

// addFailedChains adds the chains of which a link failed, and reports whether there are
// any.
func addFailedChains(failed map[string]string, all map[string]*config.Middleware) (added bool) {
	for name, w := range all {
		if w.Chain == nil || failed[name] != "" {
			continue
		}
		for _, link := range w.Chain.Middlewares {
			if why := failed[link]; why != "" {
				failed[name], added = why, true
			}
		}
	}
	return added
}

// parts of a definition are what excludeUsers needs of it.
type parts[T any] func(*T) (kind string, at config.Origin, refs []string)

// excludeUsers removes the definitions that refer to a middleware which failed.
func excludeUsers[T any](m *merger, all map[string]*T, failed map[string]string, of parts[T]) {
	for _, name := range slices.Sorted(maps.Keys(all)) {
		kind, at, refs := of(all[name])
		for _, ref := range refs {
			if why := failed[ref]; why != "" {
				m.problem(config.Error, at, fmt.Sprintf("the %s %q is left out: its middleware %q needs %s, which is not supported",
					kind, config.BareName(name), config.BareName(ref), why), "remove the middleware from the "+kind)
				delete(all, name)
				break
			}
		}
	}
}
