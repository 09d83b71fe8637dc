package host

import (
	"context"
	"errors"

	"axion/services/contract"
	"axion/services/store"
)

// outage reports whether err says that the service's database cannot be used at
// present, and notes it for [Host.Dependencies].
func (h *Host) outage(err error) bool {
	if !store.IsOutage(err) {
		return false
	}
	store.RecordFailure(h.DB, err)
	return true
}

// restores says what makes a service's data again that is gone from its database.
var restores = map[string]string{
	contract.Graph:          "`axion rebuild graph-service` makes projects, graphs and deployments again from the history",
	contract.Auth:           "users sign up again, and tokens are issued anew",
	contract.Codegen:        "nothing is missed: code is generated anew by each deployment",
	contract.Deployment:     "graph-service still knows all deployments; those that were under way are started again by hand",
	contract.Infrastructure: "each project runs again once it is deployed again",
	contract.Ingest:         "schemas are to be registered again, and events sent twice are not known again",
}

// restorable has an error of the service's database say what makes its data again.
func (h *Host) restorable(err error) error {
	var damaged *store.DamagedError
	var lost *store.LostError
	switch {
	case errors.As(err, &damaged):
		told := *damaged
		told.Restore = restores[h.Name]
		return &told
	case errors.As(err, &lost):
		told := *lost
		told.Restore = restores[h.Name]
		return &told
	}
	return err
}

// Damage is what was found to be wrong with the service's database, as
// [store.Damage] tells it, and what makes its data again. It is safe for concurrent
// use.
func (h *Host) Damage() []error {
	var all []error
	for _, err := range store.Damage(h.DB) {
		all = append(all, h.restorable(err))
	}
	return all
}

// logDamage logs what was found in the service's database once all of it was
// checked, which may take a while where it is large.
func (h *Host) logDamage(ctx context.Context) error {
	store.WaitChecked(ctx, h.DB)
	for _, err := range h.Damage() {
		var hinter interface{ Hint() string }
		errors.As(err, &hinter)
		h.Log.Error("database: "+err.Error(), "hint", hinter.Hint())
	}
	return nil
}
