package gateway_test

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"axion/gateway"
	"axion/gateway/provider"
)

// check runs `axion check` on a compose document.
func check(t *testing.T, compose string) (string, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "compose.yaml")
	write(t, file, compose)
	var out bytes.Buffer
	cmd := gateway.Commands(gateway.Around{Sources: func() ([]provider.Source, []string) { return nil, []string{file} }})[2]
	cmd.SetArgs(nil)
	cmd.SetOut(&out)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	err := cmd.Execute()
	return strings.ReplaceAll(out.String(), file, "compose.yaml"), err
}

const port = "http.services.app.loadbalancer.server.port=80"

func TestCheck(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		compose string
		want    []string // in the output; none means that all is well
	}{
		"OK": {compose(port, "http.routers.a.rule=Host(`a.localhost`)"), nil},
		"ErrLabel": {compose(port, "http.routers.a.rul=Host(`a.localhost`)"),
			[]string{"error: compose.yaml:6", "traefik.http.routers.a.rul", "hint: did you mean", "traefik.http.routers.a.rule"}},
		"ErrV2": {compose(port, "http.routers.a.rule=Host(`a.localhost`,`b.localhost`)"),
			[]string{"compose.yaml:6", "v2", "hint: write Host(`a.localhost`) || Host(`b.localhost`)"}},
		"ErrShadowed": {compose(port, "http.routers.a.rule=Host(`a.localhost`)", "http.routers.a.priority=90", "http.routers.b.rule=Host(`a.localhost`) && Path(`/x`)"),
			[]string{"warning: compose.yaml", `label "traefik.http.routers.b.rule"`, "the router gets no request", "above 90"}},
		"ErrTie": {compose(port, "http.routers.a.rule=Host(`a.localhost`) && Method(`GET`)", "http.routers.b.rule=Host(`a.localhost`) && Method(`PUT`)"),
			[]string{"the same priority", "give one of them a higher priority"}},
		"ErrPort": {compose("http.routers.a.rule=Host(`a.localhost`)"), []string{"port is missing", "loadbalancer.server.port"}},
		"ErrMiddleware": {compose(port, "http.routers.a.rule=Host(`a.localhost`)", "http.routers.a.middlewares=strp", "http.middlewares.strip.stripprefix.prefixes=/x"),
			[]string{`middleware "strp@docker" does not exist`, `did you mean "strip@docker"?`}},
		"ErrPlainTLS": {compose(port, "http.routers.a.rule=Host(`a.localhost`)", "http.routers.a.entrypoints=web", "http.routers.a.tls=true"),
			[]string{"entrypoint web serves plain HTTP only, and the router has tls"}},
		"ErrChain": {compose(port, "http.routers.a.rule=Host(`a.localhost`)", "http.routers.a.middlewares=c", "http.middlewares.c.chain.middlewares=c"),
			[]string{"leads back to itself"}},
		"ErrYAML": {"services: [", []string{"error: compose.yaml", "malformed"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := check(t, tt.compose)
			if (err == nil) != (tt.want == nil) {
				t.Errorf("got error %v for\n%s", err, out)
			}
			for _, w := range tt.want {
				if !strings.Contains(out, w) {
					t.Errorf("got\n%swithout %q", out, w)
				}
			}
		})
	}
}
