package host

import (
	"context"
	"database/sql"
	"errors"

	"axion/services/contract"
	"axion/services/store"
)

// outage reports whether err means that a database cannot be used at present, and records
// it for [Host.Dependencies].
func outage(db *sql.DB, err error) bool {
	if !store.IsOutage(err) {
		return false
	}
	store.RecordFailure(db, err)
	return true
}

// restores has, by service, the way to restore data that is lost from its database.
var restores = map[string]string{
	contract.Graph:          "`axion rebuild graph-service` makes projects, graphs and deployments again from the history",
	contract.Auth:           "users sign up again, and tokens are issued anew",
	contract.Codegen:        "nothing is missed: code is generated anew by each deployment",
	contract.Deployment:     "graph-service still knows all deployments; those that were under way are started again by hand",
	contract.Infrastructure: "each project runs again once it is deployed again",
	contract.Ingest:         "schemas are to be registered again, and events sent twice are not known again",
}

// restorable adds to an error of a service's database how its data is restored.
func restorable(service string, err error) error {
	var damaged *store.DamagedError
	var lost *store.LostError
	switch {
	case errors.As(err, &damaged):
		known := *damaged
		known.Restore = restores[service]
		return &known
	case errors.As(err, &lost):
		known := *lost
		known.Restore = restores[service]
		return &known
	}
	return err
}

// Damage returns what is wrong with the service's database, as [store.Damage] does, with
// how its data is restored. It is safe for concurrent use.
func (h *Host) Damage() []error {
	var all []error
	for _, err := range store.Damage(h.DB) {
		all = append(all, restorable(h.Name, err))
	}
	return all
}

// logDamage logs the damage of the service's database once all of it was checked, which may
// take a while where it is large.
func (h *Host) logDamage(ctx context.Context) error {
	store.WaitChecked(ctx, h.DB)
	for _, err := range h.Damage() {
		var hinter interface{ Hint() string }
		errors.As(err, &hinter)
		h.Log.Error("database: "+err.Error(), "hint", hinter.Hint())
	}
	return nil
}
