package provider

import (
	"maps"
	"slices"
	"sync"
)

// relocations are the services that have moved since they were applied.
type relocations struct {
	mu     *sync.Mutex
	moved  map[string][]string
	signal chan struct{} // holds one
}

func newRelocations() relocations {
	return relocations{mu: &sync.Mutex{}, moved: map[string][]string{}, signal: make(chan struct{}, 1)}
}

// Relocate sets where a compose service is from now on, as [Options.Addresses] did at
// first; nil is where its labels say. It is in force once [Provider.Run] has called changed. It is safe for concurrent
// use.
func (p *Provider) Relocate(service string, addresses []string) {
	p.relocated.mu.Lock()
	p.relocated.moved[service] = slices.Clone(addresses)
	p.relocated.mu.Unlock()
	select {
	case p.relocated.signal <- struct{}{}:
	default: // the signal is pending
	}
}

// relocate applies where services have moved.
func (w *watch) relocate() {
	w.relocated.mu.Lock()
	defer w.relocated.mu.Unlock()
	now := maps.Clone(w.loader.Addresses)
	if now == nil {
		now = map[string][]string{}
	}
	for service, addresses := range w.relocated.moved {
		if now[service] = addresses; addresses == nil {
			delete(now, service)
		}
	}
	clear(w.relocated.moved)
	w.loader.Addresses, w.whole = now, true
	for _, s := range w.sources {
		s.reloading = s.reloading || !s.containers && !s.dynamic
	}
	w.delay()
}
