package infrastructure_test

import (
	"testing"
	"time"

	"axion/services/host"
	"axion/services/host/hosttest"
	"axion/services/infrastructure"
)

// TestStandby starts a second instance: it waits for the end of the first, and
// then runs what that one ran.
func TestStandby(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	instance := func() (*host.Host, error) {
		o := hosttest.Options(t, r.cluster, r.dir)
		o.Shared = true
		return infrastructure.New(t.Context(), o, infrastructure.Options{Fragments: r.fragments, HTTPSPort: 8443})
	}
	h, err := instance()
	r.Service = hosttest.Start(t, h, err)
	type made struct {
		h   *host.Host
		err error
	}
	second := make(chan made, 1)
	go func() {
		h, err := instance()
		second <- made{h, err}
	}()
	address := r.provision("a", "d1", "one", "index.html", "a")
	select {
	case <-second:
		t.Fatal("two instances are active")
	case <-time.After(50 * time.Millisecond):
	}
	r.Stop()
	m := <-second
	r.Service = hosttest.Start(t, m.h, m.err)
	r.want(address, "/", 200, "a")
	r.want(r.provision("b", "d1", "two", "index.html", "b"), "/", 200, "b")
}
