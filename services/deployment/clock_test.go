package deployment_test

import (
	"path/filepath"
	"testing"
	"time"

	"axion/services/contract"
	"axion/services/deployment"
	"axion/services/host/hosttest"
	"axion/services/store"
)

// TestClockSetBack: what an instance held that has ended since is taken over, though
// the clock was set back by an hour in between, and its lease ends in an hour.
func TestClockSetBack(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	g := r.holdFirst(contract.Provision)
	r.startAll()
	r.deployAs("d1")
	<-g.begun
	r.want("p1", "d1", success("tea")[:2]...)
	r.Kill()
	g.open()
	o := hosttest.Options(t, r.cluster, r.dir)
	o.Shared = true // or it would know that all others are gone
	if o.Database == "" {
		db, err := store.Open(t.Context(), filepath.Join(r.dir, "services", contract.Deployment, "data.db"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.Exec(`UPDATE deployments SET lease = ?`, time.Now().Add(time.Hour).UnixMilli()); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	h, err := deployment.New(t.Context(), o, r.opts)
	r.Service = hosttest.Start(t, h, err)
	r.want("p1", "d1", success("tea")[2:]...)
}
