package gateway_test

import (
	"slices"
	"strconv"
	"sync/atomic"
	"testing"

	"axion/gateway/proxy"
)

// counted is a service that counts its callbacks.
type counted struct {
	proxy.Service
	callbacks, added *atomic.Int64
}

func (c counted) OnChange(f func(up bool)) (remove func()) {
	c.callbacks.Add(1)
	c.added.Add(1)
	below := c.Service.OnChange(f)
	return func() {
		c.callbacks.Add(-1)
		below()
	}
}

// TestCallbacks: services of services that are replaced at each reload leave nothing at
// the service that they are made of, which stays.
func TestCallbacks(t *testing.T) {
	t.Parallel()
	const service = "http.services."
	url := upstream(t, "a")
	text := func(weight int) string {
		n := strconv.Itoa(weight)
		return compose(slices.Concat(
			route("a", "Host(`a.localhost`)", url),
			[]string{
				"http.routers.w.rule=Host(`w.localhost`)", "http.routers.w.service=w",
				service + "w.weighted.healthCheck=true", service + "w.weighted.services[0].name=a", service + "w.weighted.services[0].weight=" + n,
				"http.routers.f.rule=Host(`f.localhost`)", "http.routers.f.service=f",
				service + "f.failover.healthCheck=true", service + "f.failover.service=a", service + "f.failover.fallback=w",
			})...)
	}
	s := start(t, text(1))
	var callbacks, added atomic.Int64
	s.WrapService("a@docker", func(a proxy.Service) proxy.Service { return counted{a, &callbacks, &added} })
	for n := range 10 {
		before := added.Load()
		s.save(text(n + 2))
		eventually(t, "the services of services are replaced", func() bool { return added.Load() >= before+3 })
		eventually(t, "the callbacks of those before are removed", func() bool { return callbacks.Load() == 3 })
	}
}
