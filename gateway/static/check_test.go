package static_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"axion/gateway/config"
	"axion/gateway/static"
)

// Values of the right form that are none are left out.
func TestReadValues(t *testing.T) {
	t.Parallel()
	got, problems := read(static.Source{Args: args("--ping.terminatingstatuscode=42", "--api.basepath=t", "--accesslog.format=xml",
		"--accesslog.filters.statuscodes=200,4xx,500-599,1000", "--accesslog.fields.defaultmode=hide", "--accesslog.fields.names.A=redacted",
		"--accesslog.fields.headers.names.B=drop", "--accesslog.fields.queryparameters.defaultmode=redact")})
	want := []string{
		"error 10: ping.terminatingStatusCode: 42 is not a status that can be answered (it is from 200 to 599; 503 is the usual one)",
		`error 11: api.basePath: "t" is not an absolute path, and Traefik does not start with it (write one such as /traefik)`,
		`warning 12: accessLog.format: "xml" is none of common, genericCLF and json: common is used, as by Traefik`,
		`error 13: accessLog.filters.statusCodes: "4xx" is not a status (write one such as 404, or a range such as 500-599)`,
		`error 13: accessLog.filters.statusCodes: "1000" is not a status (write one such as 404, or a range such as 500-599)`,
		`warning 14: accessLog.fields.defaultMode: "hide" is none of keep, drop, redact: the usual mode holds, as with Traefik`,
		`warning 15: accessLog.fields.names.A: "redacted" is none of keep, drop, redact: the usual mode holds, as with Traefik`,
		`warning 17: accessLog.fields.queryParameters.defaultMode: "redact" is none of keep, drop: the usual mode holds, as with Traefik`,
	}
	if !slices.Equal(problems, want) {
		t.Errorf("got %q\nwant %q", problems, want)
	}
	a := got.AccessLog
	if got.Ping.TerminatingStatusCode != 0 || got.API.BasePath != "" || a.Format != "" || !slices.Equal(a.Filters.StatusCodes,
		[]string{"200", "500-599"}) ||
		a.Fields.DefaultMode != "" || len(a.Fields.Names) != 0 || a.Fields.Headers.Names["B"] != "drop" ||
		a.Fields.QueryParameters.DefaultMode != "" {
		t.Errorf("got %+v", a)
	}
}

// A PROXY protocol without anybody to speak it is reported in all spellings, and left out.
func TestReadProxyProtocol(t *testing.T) {
	t.Parallel()
	const want = "entryPoints.n.proxyProtocol: nobody is trusted to speak it, and Traefik does not start with it (list the balancers"
	for _, key := range []string{"entryPoints.n.proxyProtocol=true", "entryPoints.n.proxyProtocol.insecure=false"} {
		name, value, _ := strings.Cut(key, "=")
		for way, source := range ways(t, map[string]string{name: value}) {
			got, problems := read(source)
			if len(problems) != 1 || !strings.Contains(problems[0], want) || got.EntryPoints["n"] == nil ||
				got.EntryPoints["n"].ProxyProtocol != nil {
				t.Errorf("%s as %s: got %q, %+v", key, way, problems, got.EntryPoints["n"])
			}
		}
	}
	for _, flags := range [][]string{{"--entrypoints.n.address=:53/UDP", "--entrypoints.n.proxyprotocol"},
		{"--entrypoints.n.proxyprotocol.trustedips=10.0.0.1"}, {"--entrypoints.n.proxyprotocol=false"}} {
		if _, problems := read(static.Source{Args: args(flags...)}); len(problems) > 0 {
			t.Errorf("%q: got %q, want none", flags, problems)
		}
	}
}

// What has a name alone is there with its defaults, in all spellings.
func TestReadBareNames(t *testing.T) {
	t.Parallel()
	for name, there := range map[string]func(*config.Static) bool{
		"entryPoints.n":           func(s *config.Static) bool { return s.EntryPoints["n"] != nil },
		"certificatesResolvers.n": func(s *config.Static) bool { return s.CertResolvers["n"] != nil },
	} {
		for way, source := range ways(t, map[string]string{name: "true"}) {
			if got, problems := read(source); !there(got) || len(problems) > 0 {
				t.Errorf("%s as %s: got %+v, %q", name, way, got, problems)
			}
		}
		for _, data := range []string{": {n: {}}\n", ":\n  n: {}\n"} {
			root, _, _ := strings.Cut(name, ".")
			_, path := volume(t, map[string]string{"traefik.yml": root + data})
			if got, problems := read(static.Source{Path: path}); !there(got) || len(problems) > 0 {
				t.Errorf("%s%s: got %+v, %q", root, data, got, problems)
			}
		}
	}
	for _, name := range []string{"experimental.plugins.n", "experimental.localPlugins.n", "providers.plugin.n"} {
		for way, source := range ways(t, map[string]string{name: "true"}) {
			if _, problems := read(source); len(problems) != 1 || !strings.Contains(problems[0], "is not supported: it is ignored") {
				t.Errorf("%s as %s: got %q, want that it is not supported", name, way, problems)
			}
		}
	}
}

// Metrics that cannot be counted are left out, and the rest is.
func TestReadMetrics(t *testing.T) {
	t.Parallel()
	got, problems := read(static.Source{Args: args("--metrics.prometheus.buckets=0.5,0.1", "--metrics.prometheus.headerlabels.a-b=X-A",
		"--metrics.prometheus.headerlabels.code=X-B", "--metrics.prometheus.headerlabels.__c=X-C",
		"--metrics.prometheus.headerlabels.Tenant=X-Tenant",
		"--metrics.prometheus.addrouterslabels=true")})
	want := []string{
		"error 10: metrics.prometheus.buckets: 0.1 follows 0.5 (write numbers that grow, such as 0.1,0.3,1.2,5)",
		`error 13: metrics.prometheus.headerLabels.__c: "__c" cannot be a label's name (write letters, digits and underscores)`,
		`error 11: metrics.prometheus.headerLabels.a-b: "a-b" cannot be a label's name (write letters, digits and underscores)`,
		`error 12: metrics.prometheus.headerLabels.code: the label "code" is there already (give it another name)`,
	}
	if !slices.Equal(problems, want) {
		t.Errorf("got %q\nwant %q", problems, want)
	}
	p := got.Metrics.Prometheus
	if len(p.Buckets) != 0 || !maps.Equal(p.HeaderLabels, map[string]string{"Tenant": "X-Tenant"}) || !p.AddRoutersLabels ||
		len(p.Mistakes()) != 0 {
		t.Errorf("got %+v", p)
	}
}

// Values of settings that mean nothing here, and that Traefik does not know, are reported.
func TestReadPassedOverValues(t *testing.T) {
	t.Parallel()
	_, problems := read(static.Source{Args: args("--log.level=DEBG", "--log.maxage=1")})
	if len(problems) != 1 || !strings.Contains(problems[0], `"DEBG" is none of TRACE`) || !strings.Contains(problems[0],
		"did you mean DEBUG?") {
		t.Errorf("got %q, want the wrong level", problems)
	}
	if _, problems = read(static.Source{Args: args("--log.level=debug")}); len(problems) > 0 {
		t.Errorf("got %q, want none", problems)
	}
}
