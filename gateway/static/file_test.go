package static_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"axion/gateway/config"
	"axion/gateway/static"
)

// TestReadFileInPart reads files in which things have the wrong form: each is reported by
// its name, and the rest counts.
func TestReadFileInPart(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{"traefik.yml": `entryPoints:
  web: {address: ":81", http: {tls: {domains: [true, {main: a.localhost}]}}, http2: [1]}
  other: true
serversTransport: {}
experimental: {}
providers:
  file: [x]
  docker: {exposedByDefault: {a: b}, network: front}
accessLog: {format: json, filters: {statusCodes: {a: b}}, fields: [x]}
certificatesResolvers: [x]
`, "traefik.toml": `[entryPoints.web]
address = ":81"
http2 = [1]
[[entryPoints.web.http.tls.domains]]
[[entryPoints.web.http.tls.domains]]
main = "a.localhost"
[serversTransport]
[experimental]
[providers]
file = ["x"]
[providers.docker]
exposedByDefault = {a = "b"}
network = "front"
[accessLog]
format = "json"
filters = {statusCodes = {a = "b"}}
fields = ["x"]
`} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			got, problems := static.Read(static.Source{Path: func(name string) (string, bool) {
				return filepath.Join(dir, filepath.Base(name)), strings.HasPrefix(filepath.Base(name), "traefik.")
			}})
			for _, what := range []string{"http2", "serversTransport", "experimental", "providers.file", "exposedByDefault", "statusCodes",
				"accessLog.fields"} {
				others := func(p config.Problem) bool { return !strings.Contains(p.Message, what) }
				if n := len(slices.DeleteFunc(slices.Clone(problems), others)); n != 1 {
					t.Errorf("got %d problems of %s, want one: %v", n, what, problems)
				}
			}
			web := got.EntryPoints["web"]
			if web == nil || web.Address != ":81" || web.HTTP.TLS == nil ||
				!slices.ContainsFunc(web.HTTP.TLS.Domains, func(d config.Domain) bool { return d.Main == "a.localhost" }) {
				t.Fatalf("got the entrypoint %+v, want the rest of it", web)
			}
			if got.Docker.Network != "front" || got.AccessLog == nil || got.AccessLog.Format != "json" {
				t.Errorf("got %+v and %+v, want what stands beside the mistakes", got.Docker, got.AccessLog)
			}
		})
	}
}

// TestIgnored names every setting that Traefik does not look at.
func TestIgnored(t *testing.T) {
	t.Parallel()
	_, problems := static.Read(static.Source{
		Path: func(string) (string, bool) { return "", false },
		Args: []static.Arg{{Text: "--entrypoints.web.address=:81", Line: 3}},
		Env:  map[string]string{"TRAEFIK_PING": "true", "TRAEFIK_API_INSECURE": "true"},
	})
	if len(problems) != 1 || !strings.HasPrefix(problems[0].Message, "TRAEFIK_API_INSECURE, TRAEFIK_PING are ignored: ") {
		t.Errorf("got %v, want both variables", problems)
	}
}

// TestHarmless is silent about what asks for nothing, and reports it otherwise.
func TestHarmless(t *testing.T) {
	t.Parallel()
	for flag, want := range map[string]string{
		"--tracing=false":        "",
		"--metrics.statsd=FALSE": "",
		"--entrypoints.n.transport.lifecycle.requestacceptgracetimeout=0s": "",
		"--providers.docker.httpclienttimeout=0":                           "",
		"--providers.docker.watch=true":                                    "",
		"--providers.docker.watch=false":                                   "--providers.docker.watch is not supported",
		"--tracing.addinternals=false": "--tracing.addinternals is not supported: it is ignored, as all " +
			"of tracing is",
		"--ocsp": "--ocsp is not supported: it is ignored",
	} {
		_, problems := static.Read(static.Source{
			Path: func(string) (string, bool) { return "", false },
			Args: []static.Arg{{Text: flag}},
		})
		got := ""
		for _, p := range problems {
			got += p.Message
		}
		if (want == "") != (got == "") || !strings.HasPrefix(got, want) {
			t.Errorf("%s: got %q, want %q", flag, got, want)
		}
	}
}
