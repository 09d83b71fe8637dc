package static_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"axion/gateway/config"
	"axion/gateway/static"
)

// args are flags on lines of their own, from 10.
func args(flags ...string) []static.Arg {
	var out []static.Arg
	for i, f := range flags {
		out = append(out, static.Arg{Text: f, Line: 10 + i})
	}
	return out
}

func at(line int) config.Origin {
	return config.Origin{Provider: "docker", File: "compose.yml", Service: "traefik", Line: line}
}

func read(s static.Source) (*config.Static, []string) {
	s.File, s.Service, s.Line = "compose.yml", "traefik", 3
	out, problems := static.Read(s)
	var told []string
	for _, p := range problems {
		severity, _ := p.Severity.MarshalText()
		text := fmt.Sprintf("%s %d: %s", severity, p.Line, p.Message)
		if p.Fix != "" {
			text += " (" + p.Fix + ")"
		}
		told = append(told, text)
	}
	return out, told
}

func check(t *testing.T, got, want *config.Static) {
	t.Helper()
	bare := *got
	bare.Lines = nil // they are looked at elsewhere
	got = &bare
	if reflect.DeepEqual(got, want) {
		return
	}
	g, _ := json.Marshal(got)
	w, _ := json.Marshal(want)
	t.Errorf("got %s\nwant %s", g, w)
}

func TestReadFlags(t *testing.T) {
	t.Parallel()
	got, problems := read(static.Source{Args: args(
		"traefik",
		"--log.level=DEBUG",
		"--api.insecure=true",
		"--api.dashboard",
		"--providers.docker",
		"--providers.docker.exposedbydefault=false",
		"--providers.docker.network", "front",
		"--providers.docker.usebindportip", "--providers.docker.allowemptyservices=true",
		"--entryPoints.web.address=:80",
		"--entrypoints.web.http.redirections.entryPoint.to=websecure",
		"--entrypoints.web.http.redirections.entrypoint.scheme=https",
		"--ENTRYPOINTS.websecure.address=:443",
		"--entrypoints.websecure.http.tls",
		"--entrypoints.websecure.http.tls.domains[0].main=a.localhost",
		"--entrypoints.websecure.http.tls.domains[0].sans=*.a.localhost,b.localhost",
		"--entrypoints.websecure.http3",
		"--entrypoints.websecure.http.middlewares=a@file,b@docker",
		"--entrypoints.websecure.transport.respondingTimeouts.readTimeout=42",
		"--entrypoints.websecure.forwardedHeaders.trustedIPs=10.0.0.0/8",
		"--entrypoints.websecure.forwardedHeaders.trustedIPs=127.0.0.1/32",
		"--entrypoints.websecure.proxyProtocol.insecure",
		"--certificatesresolvers.le.acme.email=a@b.c",
		"--certificatesresolvers.le.acme.tlschallenge=true",
		"--certificatesresolvers.le.acme.storage=/acme.json",
		"--accesslog=true",
		"--accesslog.fields.names.X.Y=drop",
		"--metrics.prometheus",
		"--metrics.prometheus.buckets=0.1,5",
		"--ping",
		"--serversTransport.insecureSkipVerify",
		"--global.sendAnonymousUsage=false",
	)})
	if len(problems) > 0 {
		t.Errorf("got problems %q", problems)
	}
	yes, no, timeout := true, false, config.Duration(42*time.Second)
	check(t, got, &config.Static{
		Origin: at(3),
		EntryPoints: map[string]*config.EntryPoint{
			"web": {Origin: at(20), Address: ":80", HTTP: config.EntryPointHTTP{Redirections: &config.Redirections{
				EntryPoint: &config.RedirectEntryPoint{To: "websecure", Scheme: "https"}}}},
			"websecure": {Origin: at(23), Address: ":443", HTTP3: &config.HTTP3{},
				HTTP: config.EntryPointHTTP{Middlewares: []string{"a@file", "b@docker"},
					TLS: &config.RouterTLS{Domains: []config.Domain{{Main: "a.localhost", SANs: []string{"*.a.localhost", "b.localhost"}}}}},
				Transport:        &config.Transport{RespondingTimeouts: &config.RespondingTimeouts{ReadTimeout: &timeout}},
				ForwardedHeaders: &config.ForwardedHeaders{TrustedIPs: []string{"10.0.0.0/8", "127.0.0.1/32"}},
				ProxyProtocol:    &config.TrustedPeers{Insecure: true}},
		},
		CertResolvers: map[string]*config.CertResolver{"le": {ACME: &config.ACME{Email: "a@b.c", Storage: "/acme.json",
			TLSChallenge: &config.TLSChallenge{}}}},
		Docker:           config.StaticDocker{ExposedByDefault: &no, Network: "front", UseBindPortIP: true, AllowEmptyServices: true},
		AccessLog:        &config.AccessLog{Fields: &config.AccessLogFields{Names: map[string]string{"X.Y": "drop"}}},
		Metrics:          &config.Metrics{Prometheus: &config.Prometheus{Buckets: []float64{0.1, 5}}},
		Ping:             &config.Ping{},
		API:              &config.API{Insecure: true, Dashboard: &yes},
		ServersTransport: &config.ServersTransport{Origin: at(3), InsecureSkipVerify: true},
	})
}

func TestReadEnvironment(t *testing.T) {
	t.Parallel()
	got, problems := read(static.Source{Env: map[string]string{
		"TRAEFIK_ENTRYPOINTS_WEB_ADDRESS":           ":80",
		"TRAEFIK_PROVIDERS_DOCKER_EXPOSEDBYDEFAULT": "false",
		"TRAEFIK_PING":    "true",
		"TRAEFIK_VERSION": "3",
		"HOME":            "/root",
	}})
	if len(problems) > 0 {
		t.Errorf("got problems %q", problems)
	}
	no := false
	check(t, got, &config.Static{Origin: at(3), EntryPoints: map[string]*config.EntryPoint{"web": {Origin: at(3), Address: ":80"}},
		Docker: config.StaticDocker{ExposedByDefault: &no}, Ping: &config.Ping{}})
}

// volume maps /etc/traefik to a directory with these files.
func volume(t *testing.T, files map[string]string) (dir string, path func(string) (string, bool)) {
	t.Helper()
	dir = t.TempDir()
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir, func(name string) (string, bool) {
		rest, ok := strings.CutPrefix(name, "/etc/traefik/")
		return filepath.Join(dir, rest), ok
	}
}

func TestReadFile(t *testing.T) {
	t.Parallel()
	inYAML := "log:\n  level: INFO\nentryPoints:\n  web:\n    address: ':80'\n  websecure:\n    address: :443\n    http:\n" +
		"      tls: {certResolver: le}\n" +
		"providers:\n  docker: {exposedByDefault: false}\n  file: {directory: /etc/traefik/dynamic, watch: true}\nping: {}\n"
	inTOML := "[log]\nlevel = 'INFO'\n\n[entryPoints.web]\naddress = ':80'\n[entryPoints.websecure]\naddress = ':443'\n" +
		"http.tls.certResolver = 'le'\n" +
		"[providers.docker]\nexposedByDefault = false\n[providers.file]\ndirectory = '/etc/traefik/dynamic'\n[ping]\n"
	for _, test := range []struct {
		name, file, data string
		flags            []string
	}{
		{"OKDefault", "traefik.yml", inYAML, nil},
		{"OKTOML", "traefik.toml", inTOML, nil},
		{"OKNamed", "other.yaml", inYAML, []string{"--configFile=/etc/traefik/other.yaml"}},
		{"OKNamedApart", "other.yaml", inYAML, []string{"--configfile", "/etc/traefik/other.yaml"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir, path := volume(t, map[string]string{test.file: test.data})
			got, problems := read(static.Source{Path: path, Args: args(test.flags...)})
			if len(problems) > 0 {
				t.Errorf("got problems %q", problems)
			}
			no := false
			from := config.Origin{Provider: "file", File: filepath.Join(dir, test.file)}
			web, secure := from, from
			web.Line, secure.Line = 4, 6
			check(t, got, &config.Static{Origin: from, EntryPoints: map[string]*config.EntryPoint{
				"web":       {Origin: web, Address: ":80"},
				"websecure": {Origin: secure, Address: ":443", HTTP: config.EntryPointHTTP{TLS: &config.RouterTLS{CertResolver: "le"}}},
			}, Docker: config.StaticDocker{ExposedByDefault: &no}, Ping: &config.Ping{},
				FileProviders: []config.FileProvider{{Directory: filepath.Join(dir, "dynamic")}}})
		})
	}
}

func TestReadProblems(t *testing.T) {
	t.Parallel()
	file := func(data string) map[string]string { return map[string]string{"traefik.yml": data} }
	for _, test := range []struct {
		name  string
		flags []string
		env   map[string]string
		files map[string]string
		want  []string
	}{
		{name: "OKNothing"},
		{name: "OKSubcommandless", flags: []string{"traefik"}},
		{name: "WarnUnknown", flags: []string{"--entrypoints.web.adress=:80"},
			want: []string{"warning 10: Traefik has no setting --entrypoints.web.adress, and does not start with it: it is ignored (did you mean " +
				"entrypoints.web.address?)"}},
		{name: "WarnUnknownNoHint", flags: []string{"--pilot.token=x", "--ping"},
			want: []string{"warning 10: Traefik has no setting --pilot.token since v3.0, and does not start with it: it is ignored"}},
		{name: "WarnUnknownSwitch", flags: []string{"--bogus", "--ping"},
			want: []string{"warning 10: Traefik has no setting --bogus, and does not start with it: it is ignored"}},
		{name: "WarnUnsupported", flags: []string{"--tracing.otlp=true", "--providers.swarm"},
			want: []string{"warning 10: --tracing.otlp is not supported: it is ignored",
				"warning 11: --providers.swarm is not supported: it is ignored"}},
		{name: "OKNothingToFollow", flags: []string{"--global.checknewversion=true", "--log.level=DEBUG", "--experimental.fastproxy",
			"--providers.file.watch=true",
			"--providers.file.filename=/etc/traefik/x", "--core.defaultrulesyntax=V3", "--experimental.kubernetesgateway=false"}},
		{name: "WarnValue", flags: []string{"--providers.file.watch=false", "--providers.file.filename=/etc/traefik/x",
			"--core.defaultrulesyntax=v2",
			"--experimental.kubernetesgateway", "--log.filepath=/x.log"},
			want: []string{"warning 10: --providers.file.watch is not supported: it is ignored (changes are always followed)",
				"warning 12: --core.defaultrulesyntax is not supported: it is ignored (write the rules in Traefik v3's syntax)",
				"warning 13: --experimental.kubernetesgateway is not supported", "notice 14: --log.filepath is not supported"}},
		{name: "WarnPlugins", flags: []string{"--experimental.plugins.one.modulename=x", "--experimental.plugins.one.version=1",
			"--experimental.localplugins.two.modulename=y"},
			want: []string{"warning 10: --experimental.plugins.one.modulename is not supported: it is ignored, as all of " +
				"experimental.plugins.one is (plugins cannot be loaded",
				"warning 12: --experimental.localplugins.two.modulename is not supported"}},
		{name: "ErrSectionAlone", flags: []string{"--global=true"},
			want: []string{"error 10: --global: it says nothing without one of its fields"}},
		{name: "OKSectionsInFile", files: file(
			"global:\n  checkNewVersion: false\n  sendAnonymousUsage: false\nexperimental: {fastProxy: {}}\nlog: {level: INFO}\ncore:\n")},
		{name: "WarnSectionsInFile", files: file(
			"global: {bogus: 1}\nexperimental:\n  plugins:\n    one: {moduleName: x, version: v1}\n    two: {moduleName: y}\n"),
			want: []string{"warning 1: Traefik has no setting global.bogus, and does not start with it: it is ignored",
				"warning 4: experimental.plugins.one is not supported: it is ignored (plugins cannot be loaded",
				"warning 5: experimental.plugins.two is not supported"}},
		{name: "WarnForeign", flags: []string{"--serverstransport.servername=x", "--entrypoints.web.http.tls.passthrough=true"},
			want: []string{"warning 10: Traefik has no setting --serverstransport.servername",
				"warning 11: Traefik has no setting --entrypoints.web.http.tls.passthrough"}},
		{name: "WarnVariable", env: map[string]string{"TRAEFIK_ENTRYPOINTS_WEB_ADDRES": ":80"},
			want: []string{"warning 3: Traefik has no setting TRAEFIK_ENTRYPOINTS_WEB_ADDRES, and does not start with it: it is ignored (did you " +
				"mean entrypoints.web.address?)"}},
		{name: "WarnVariableUnknown", env: map[string]string{"TRAEFIK_PINGDOM": "x", "TRAEFIK_PROVIDERS_FOO": "x", "TRAEFIK_GLOBAL": "true"},
			want: []string{"error 3: TRAEFIK_GLOBAL: it says nothing without one of its fields",
				"warning 3: Traefik has no setting TRAEFIK_PINGDOM, and does not start with it: it is ignored",
				"warning 3: Traefik has no setting TRAEFIK_PROVIDERS_FOO, and does not start with it: it is ignored"}},
		{name: "WarnVariablePassedOver", env: map[string]string{"TRAEFIK_DOMAIN": "x", "TRAEFIK_ENTRYPOINT_WEB_ADDRESS": ":80",
			"TRAEFIK_HUB_TOKEN": "x", "traefik_ping": "true", "TRAEFIK_IMAGE": "traefik:v3", "TRAEFIK_": "x"},
			want: []string{"notice 3: Traefik has no setting TRAEFIK_DOMAIN: it is ignored",
				"warning 3: Traefik has no setting TRAEFIK_ENTRYPOINT_WEB_ADDRESS: it is ignored (did you mean entrypoints.web.address?)",
				"warning 3: Traefik has no setting TRAEFIK_HUB_TOKEN since v3.0: it is ignored (remove it",
				"warning 3: traefik_ping is ignored: Traefik reads variables whose names are in capitals (write TRAEFIK_PING)"}},
		{name: "WarnVariableBesideFlags", flags: []string{"--ping"}, env: map[string]string{"TRAEFIK_BOGUS": "x"},
			want: []string{"notice 3: Traefik has no setting TRAEFIK_BOGUS: it is ignored"}},
		{name: "WarnPassedOverInFile", files: file("http: {routers: {}}\nacme: {}\nentrypoint: {}\nbogus_thing: 1\npilot: {}\n"),
			want: []string{"warning 1: Traefik has no setting http: it is ignored (it is dynamic configuration",
				"warning 2: Traefik has no setting acme since v2.0: it is ignored (write certificatesResolvers",
				"warning 3: Traefik has no setting entrypoint: it is ignored (did you mean",
				"warning 4: Traefik has no setting bogus_thing: it is ignored",
				"warning 5: Traefik has no setting pilot since v3.0, and does not start with it: it is ignored"}},
		{name: "WarnFileByVariable", env: map[string]string{"TRAEFIK_CONFIGFILE": "/etc/traefik/x.yml"},
			want: []string{"warning 3: TRAEFIK_CONFIGFILE is ignored: Traefik takes the name of its static file from a flag alone (write " +
				"--configFile=/etc/traefik/x.yml into the command)"}},
		{name: "WarnFileByVariableBesideFlags", flags: []string{"--ping"}, env: map[string]string{"TRAEFIK_CONFIGFILE": "/etc/traefik/x.yml"},
			want: []string{"warning 3: TRAEFIK_CONFIGFILE is ignored: Traefik takes its settings from the flags"}},
		{name: "WarnFileByFile", files: file("configFile: /etc/traefik/x.yml\nping: {}\n"),
			want: []string{"warning 1: configFile is ignored: Traefik takes the name of its static file from a flag alone"}},
		{name: "WarnAbsentWithin", files: file(
			"providers:\n  swarm: {tls: {caOptional: true}, network: x}\n  docker: {tls: {caOptional: true}}\n" +
				"tracing: {jaeger: {}, zipkin: {a: b}}\n"),
			want: []string{"warning 2: Traefik has no setting providers.swarm.tls.caOptional since v3.0",
				"warning 2: providers.swarm is not supported",
				"warning 3: Traefik has no setting providers.docker.tls.caOptional since v3.0",
				"warning 4: Traefik has no setting tracing.jaeger since v3.0, and does not start with it: it is ignored (Traefik v3 sends traces by " +
					"tracing.otlp",
				"warning 4: Traefik has no setting tracing.zipkin since v3.0"}},
		{name: "ErrValue", flags: []string{"--providers.docker.exposedbydefault=nope",
			"--entrypoints.web.transport.respondingtimeouts.readtimeout=soon", "--ping=5"},
			want: []string{`error 10: --providers.docker.exposedbydefault: "nope" is neither true nor false`,
				`error 11: --entrypoints.web.transport.respondingtimeouts.readtimeout: "soon" is not a duration such as 10s or 1m`,
				`error 12: --ping: "5" is neither true nor false`}},
		{name: "ErrNoField", flags: []string{"--metrics=true"}, want: []string{"error 10: --metrics: it says nothing without one of its fields"}},
		{name: "ErrBracket", flags: []string{"--entrypoints.a].address=:80", "--entrypoints.web.http.tls.domains[x].main=a"},
			want: []string{"warning 10: Traefik has no setting --entrypoints.a].address, and does not start with it: it is ignored (did you mean " +
				"entrypoints.a].address?)",
				"warning 11: Traefik has no setting --entrypoints.web.http.tls.domains[x].main, and does not start with it: it is ignored (did you " +
					"mean entrypoints.web.http.tls.domains[0].main?)"}},
		{name: "WarnNoVolume", flags: []string{"--providers.file.directory=/dynamic"},
			want: []string{"warning 10: the directory of the file provider, /dynamic, is on no volume of the container, and so cannot be read " +
				"(mount it: ./dynamic:/dynamic:ro)"}},
		{name: "WarnNoFileOnVolume", flags: []string{"--configfile=/x.yml"},
			want: []string{"warning 10: the static configuration file, /x.yml, is on no volume of the container, and so cannot be read (mount " +
				"it: ./x.yml:/x.yml:ro)"}},
		{name: "WarnEmptyFileProvider", flags: []string{"--providers.file"},
			want: []string{"warning 10: the file provider has neither a directory nor a file name (add providers.file.directory or " +
				"providers.file.filename)"}},
		{name: "WarnFlagsBesideFile", files: file("ping: {}\n"), flags: []string{"--ping"},
			want: []string{"warning 10: --ping is ignored: Traefik takes its settings from "}},
		{name: "WarnVariablesBesideFlags", flags: []string{"--ping"}, env: map[string]string{"TRAEFIK_API": "true"},
			want: []string{"warning 3: TRAEFIK_API is ignored: Traefik takes its settings from the flags"}},
		{name: "WarnUnknownInFile", files: file("entryPoints:\n  web:\n    addres: x\n    address: ':80'\ntracing: {otlp: {}}\n"),
			want: []string{"warning 3: Traefik has no setting entryPoints.web.addres, and does not start with it: it is ignored (did you mean " +
				"entrypoints.web.address?)",
				"warning 5: tracing is not supported: it is ignored"}},
		{name: "WarnNullInFile", files: file("ping:\n"),
			want: []string{"warning 1: ping has no value, and so counts as not set (write ping: {} to switch it on)"}},
		{name: "ErrValueInFile", files: file("providers:\n  docker:\n    exposedByDefault: maybe\n"),
			want: []string{`error 3: providers.docker.exposedByDefault: "maybe" is neither true nor false`}},
		{name: "ErrFile", files: file("a: [\n"), want: []string{"error 2: the YAML is malformed: "}},
		{name: "ErrNoFile", flags: []string{"--configfile=/etc/traefik/x.yml"}, want: []string{"error 10: the static configuration file "}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, path := volume(t, test.files)
			got, problems := read(static.Source{Args: args(test.flags...), Env: test.env, Path: path})
			if got == nil {
				t.Fatal("got no configuration")
			}
			if len(problems) != len(test.want) {
				t.Fatalf("got %q, want %q", problems, test.want)
			}
			for i := range problems {
				if !strings.HasPrefix(problems[i], test.want[i]) {
					t.Errorf("got %q, want %q", problems[i], test.want[i])
				}
			}
		})
	}
}

// What cannot be read does not take the rest away.
func TestReadKeepsTheRest(t *testing.T) {
	t.Parallel()
	got, _ := read(static.Source{Args: args("--entrypoints.web.address=:80", "--bogus.thing=1", "--api=x",
		"--providers.docker.exposedbydefault=nope")})
	check(t, got, &config.Static{Origin: at(3), EntryPoints: map[string]*config.EntryPoint{"web": {Origin: at(10), Address: ":80"}}})
	_, path := volume(t, map[string]string{"traefik.yml": "bogus: 1\nentryPoints:\n  web: {address: ':80', http3: {advertisedPort: x}}\n"})
	got, _ = read(static.Source{Path: path})
	if e := got.EntryPoints["web"]; e == nil || e.Address != ":80" {
		t.Errorf("got %+v, want the entrypoint", got.EntryPoints)
	}
}

// A setting that is not decoded switches its section on nevertheless.
func TestReadSwitchesOn(t *testing.T) {
	t.Parallel()
	for _, s := range []static.Source{
		{Args: args("--accesslog.bufferingsize=10", "--api.disabledashboardad")},
		{Env: map[string]string{"TRAEFIK_ACCESSLOG_BUFFERINGSIZE": "10", "TRAEFIK_API_DISABLEDASHBOARDAD": "true"}},
	} {
		got, problems := read(s)
		if got.AccessLog == nil || got.API == nil || len(problems) > 0 {
			t.Errorf("got %+v, problems %q; want the access log and the API to be on", got, problems)
		}
	}
	got, _ := read(static.Source{Args: args("--accesslog=false", "--accesslog.bufferingsize=10")})
	if got.AccessLog != nil {
		t.Error("got an access log, want it to be off")
	}
}

func FuzzRead(f *testing.F) {
	f.Add("--entrypoints.web.address=:80\n--ping", "TRAEFIK_API", "true", "entryPoints:\n  web:\n    address: x\n")
	f.Add("--a.b[0]=x\n--accesslog.fields.names.a]=b\n-x", "TRAEFIK_ENTRYPOINTS_A]_ADDRESS", "x", "ping: {}\n")
	f.Add("--entrypoints.web.http.tls.domains[0].main=a\n--entrypoints.web.http.tls.domains=a", "TRAEFIK_", "", "")
	f.Fuzz(func(t *testing.T, flags, name, value, file string) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "traefik.yml"), []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, path := range []func(string) (string, bool){nil,
			func(s string) (string, bool) { return filepath.Join(dir, filepath.Base(s)), file != "" }} {
			for _, flags := range []string{flags, ""} {
				s, problems := read(static.Source{Args: args(strings.Split(flags, "\n")...), Env: map[string]string{name: value}, Path: path})
				if s == nil {
					t.Fatal("got no configuration")
				}
				for _, p := range problems {
					if strings.Contains(p, "Traefik's settings cannot be read") || strings.Contains(p, "the file cannot be read") {
						t.Errorf("let pass what the decoder refuses: %s", p)
					}
				}
			}
		}
	})
}
