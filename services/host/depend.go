package host

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"axion/services/store"
)

// dependencyTimeout bounds one look at what a service works with.
const dependencyTimeout = 800 * time.Millisecond

// Dependency is something that a service works with. Err says why it cannot be used
// now, nil when it can.
type Dependency struct {
	Name string
	Err  error
	// Optional says that a part of the service's work can be done without it.
	Optional bool
}

// DependsOn says that the service asks another one over the bus.
func (h *Host) DependsOn(services ...string) {
	for _, name := range services {
		if name != "" && name != h.Name && !slices.Contains(h.dependsOn, name) {
			h.dependsOn = append(h.dependsOn, name)
		}
	}
}

// Ready reports why the service cannot do its work, nil when it can. Services that it
// asks are no part of that: each says for itself whether it is ready.
func (h *Host) Ready(ctx context.Context) error {
	var errs []error
	for _, d := range h.Dependencies(ctx) {
		if d.Err != nil && !d.Optional {
			errs = append(errs, fmt.Errorf("%s: %w", d.Name, d.Err))
		}
	}
	return errors.Join(errs...)
}

// errNoConsumers is what a service that nobody answers for has.
var errNoConsumers = errors.New("nobody is in its consumer group")

// Dependencies asks what the service works with, for 0.8 s at most: its database, what that
// is stored on, the broker, which has to have given it partitions, and the services that
// it asks. It remembers nothing: what it says is true now.
func (h *Host) Dependencies(ctx context.Context) []Dependency {
	ctx, cancel := context.WithTimeout(ctx, dependencyTimeout)
	defer cancel()
	var database, storage, bus Dependency
	database.Name, storage.Name, bus.Name = "database", "storage", "bus"
	needs := make([]Dependency, len(h.dependsOn))
	for i, name := range h.dependsOn {
		needs[i] = Dependency{Name: name, Optional: true}
	}
	var asking sync.WaitGroup
	asking.Go(func() {
		if database.Err = h.DB.PingContext(ctx); database.Err == nil {
			storage.Err = store.Storage(ctx, h.DB)
		}
	})
	asking.Go(func() {
		if bus.Err = h.Bus.Healthy(ctx); bus.Err != nil || len(h.dependsOn) == 0 {
			return
		}
		unserved, err := h.Bus.Unserved(ctx, h.dependsOn...)
		for i := range needs {
			switch d := &needs[i]; {
			case err != nil:
				d.Err = fmt.Errorf("not known: %w", err)
			case slices.Contains(unserved, d.Name):
				d.Err = errNoConsumers
			}
		}
	})
	asking.Wait()
	if bus.Err != nil {
		for i := range needs {
			needs[i].Err = errors.New("not known while the broker is away")
		}
	}
	return append([]Dependency{database, storage, bus}, needs...)
}
