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

// Refresh applies at once where services have moved, and reports whether anything is new.
// It is for before Run is called.
func (p *Provider) Refresh() bool {
	select {
	case <-p.relocated.signal:
	default:
		return false
	}
	p.move()
	changed, _ := p.scan(nil)
	return changed && p.resolve()
}

// relocate applies where services have moved.
func (w *watch) relocate() {
	w.move()
	w.whole = true
	w.delay()
}

// move has the sources read again, with the services where they are now.
func (p *Provider) move() {
	p.relocated.mu.Lock()
	defer p.relocated.mu.Unlock()
	now := maps.Clone(p.loader.Addresses)
	if now == nil {
		now = map[string][]string{}
	}
	for service, addresses := range p.relocated.moved {
		if now[service] = addresses; addresses == nil {
			delete(now, service)
		}
	}
	clear(p.relocated.moved)
	p.loader.Addresses = now
	for _, s := range p.sources {
		s.reloading = s.reloading || !s.containers && !s.dynamic
	}
}
