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

// dependencyTimeout bounds one check of the dependencies.
const dependencyTimeout = 800 * time.Millisecond

// Dependency is something that a service needs. Err is the reason why it cannot be used
// now, nil when it can.
type Dependency struct {
	Name string
	Err  error
	// Optional: a part of the service's work can be done without it.
	Optional bool
}

// DependsOn declares that the service requests from others over the bus.
func (h *Host) DependsOn(services ...string) {
	for _, name := range services {
		if name != "" && name != h.Name && !slices.Contains(h.dependsOn, name) {
			h.dependsOn = append(h.dependsOn, name)
		}
	}
}

// Ready returns the reason why the service cannot do its work, nil when it can. Services
// that it requests from do not count: each has a readiness of its own.
func (h *Host) Ready(ctx context.Context) error {
	var errs []error
	for _, d := range h.Dependencies(ctx) {
		if d.Err != nil && !d.Optional {
			errs = append(errs, fmt.Errorf("%s: %w", d.Name, d.Err))
		}
	}
	return errors.Join(errs...)
}

// errNoConsumers is the error of a service without consumers.
var errNoConsumers = errors.New("nobody is in its consumer group")

// Dependencies checks what the service needs, for 0.8 s at most: its database, the storage
// of that, the broker, which must have assigned it partitions, and the services that it
// requests from. Nothing is cached.
func (h *Host) Dependencies(ctx context.Context) []Dependency {
	ctx, cancel := context.WithTimeout(ctx, dependencyTimeout)
	defer cancel()
	var database, storage, bus Dependency
	database.Name, storage.Name, bus.Name = "database", "storage", "bus"
	needs := make([]Dependency, len(h.dependsOn))
	for i, name := range h.dependsOn {
		needs[i] = Dependency{Name: name, Optional: true}
	}
	var checks sync.WaitGroup
	checks.Go(func() {
		if database.Err = h.DB.PingContext(ctx); database.Err == nil {
			storage.Err = store.Storage(ctx, h.DB)
		}
	})
	checks.Go(func() {
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
	checks.Wait()
	if bus.Err != nil {
		for i := range needs {
			needs[i].Err = errors.New("not known while the broker is away")
		}
	}
	return append([]Dependency{database, storage, bus}, needs...)
}
