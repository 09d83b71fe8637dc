package gateway_test

import (
	"fmt"
	"strings"
	"testing"

	"axion/gateway/config"
)

// TestPriorityKept refuses priorities above those that routers may have.
func TestPriorityKept(t *testing.T) {
	t.Parallel()
	up := upstream(t, "app")
	labels := func(http, tcp int) string {
		return compose(append(route("a", "Host(`a.localhost`)", up, fmt.Sprintf("priority=%d", http)),
			"tcp.routers.t.rule=HostSNI(`t.localhost`)", "tcp.routers.t.tls=true", fmt.Sprintf("tcp.routers.t.priority=%d", tcp),
			"tcp.services.t.loadbalancer.server.port=1")...)
	}
	s := start(t, labels(config.MaxPriority, config.MaxPriority))
	if problems := s.Problems(); len(problems) > 0 {
		t.Errorf("at the highest: got %v", problems)
	}
	s = start(t, labels(config.MaxPriority+1, config.MaxPriority+1))
	var got string
	for _, p := range s.Problems() {
		got += p.Error() + "\n"
	}
	for _, label := range []string{"traefik.http.routers.a.priority", "traefik.tcp.routers.t.priority"} {
		if !strings.Contains(got, label) || !strings.Contains(got, "kept for the gateway's own") {
			t.Errorf("%s: got %s", label, got)
		}
	}
}
