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
		if _, err := db.Exec(`UPDATE deployments SET lease = $1`, time.Now().Add(time.Hour).UnixMilli()); err != nil {
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

// TestClockAhead: an instance whose clock is an hour ahead of the other's, or behind it,
// takes nothing from that one while it lives, and takes it once it does not.
func TestClockAhead(t *testing.T) {
	t.Parallel()
	for name, ahead := range map[string]time.Duration{"Ahead": time.Hour, "Behind": -time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			g := r.holdFirst(contract.Provision)
			r.codegen()
			r.infrastructure()
			first := r.another(time.Now)
			r.Service = first
			r.deployAs("d1")
			<-g.begun
			r.want("p1", "d1", success("tea")[:2]...)
			owner, lease := r.holder("d1")
			second := r.another(func() time.Time { return time.Now().Add(ahead) })
			for renewed := 0; renewed < 4; { // the other one looks as often as this one renews
				now, next := r.holder("d1")
				if now != owner {
					t.Fatalf("the deployment went from %s to %s, which lives", owner, now)
				}
				if next != lease {
					renewed, lease = renewed+1, next
				}
				time.Sleep(10 * time.Millisecond) // the database notifies nobody of changes
			}
			first.Kill()
			g.open()
			r.Service = second
			r.want("p1", "d1", success("tea")[2:]...)
		})
	}
}

// another starts an instance beside others, by a clock of its own.
func (r *rig) another(clock func() time.Time) *hosttest.Service {
	r.t.Helper()
	o := hosttest.Options(r.t, r.cluster, r.dir)
	o.Shared = true
	opts := r.opts
	opts.Now = clock
	h, err := deployment.New(r.t.Context(), o, opts)
	return hosttest.Start(r.t, h, err)
}

// holder is who holds a deployment, and its lease.
func (r *rig) holder(id string) (owner string, lease int64) {
	r.t.Helper()
	if err := r.DB.QueryRow(`SELECT owner, lease FROM deployments WHERE id = $1`, id).Scan(&owner, &lease); err != nil {
		r.t.Fatal(err)
	}
	return owner, lease
}
