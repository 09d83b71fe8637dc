package routing

import (
	"testing"

	"axion/gateway/config"
)

// A router's own word on what is reported of it counts; else that of the entrypoint does.
func TestObservabilityOf(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	entrypoint := &config.Observability{AccessLogs: &no, Metrics: &no, Tracing: &no}
	for name, tt := range map[string]struct {
		router, entrypoint           *config.Observability
		accessLogs, metrics, tracing bool
	}{
		"OKNothingSaid": {nil, nil, true, true, true},
		"OKEntryPoint":  {nil, entrypoint, false, false, false},
		"OKAccessLogs":  {&config.Observability{AccessLogs: &yes}, entrypoint, true, false, false},
		"OKMetrics":     {&config.Observability{Metrics: &yes}, entrypoint, false, true, false},
		"OKTracing":     {&config.Observability{Tracing: &yes}, entrypoint, false, false, true},
		"OKRouterOff":   {&config.Observability{AccessLogs: &no}, &config.Observability{AccessLogs: &yes, Tracing: &no}, false, true, false},
	} {
		q := observabilityOf(tt.router, tt.entrypoint)
		if q == nil {
			q = &config.Observability{}
		}
		on := func(b *bool) bool { return b == nil || *b }
		if on(q.AccessLogs) != tt.accessLogs || on(q.Metrics) != tt.metrics || on(q.Tracing) != tt.tracing {
			t.Errorf("%s: got %+v", name, q)
		}
	}
}
