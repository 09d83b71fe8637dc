package gateway_test

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"axion/gateway"
	"axion/gateway/command"
	"axion/gateway/config"
)

// problemsOf are the problems of a running gateway with these files in dir, the first
// of which it is given.
func problemsOf(t *testing.T, dir, file string) []config.Problem {
	t.Helper()
	plain, secure := port0(t), port0(t)
	g, err := gateway.New(gateway.Options{Web: plain, WebSecure: secure, Files: []string{file}, FreePorts: true,
		CADir: filepath.Join(dir, "ca"), StateDir: filepath.Join(dir, "state")})
	if err != nil { // else the gateway closes them
		_, _ = plain.Close(), secure.Close()
	}
	if p, ok := err.(config.Problem); ok {
		return []config.Problem{p}
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := g.Close(ctx); err != nil {
			t.Errorf("Close: %v", err)
		}
	}()
	return g.API().Problems()
}

// agree fails the test where check and a running gateway do not report the same.
func agree(t *testing.T, files map[string]string, first string) []config.Problem {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		write(t, filepath.Join(dir, name), content)
	}
	file := filepath.Join(dir, first)
	checked, err := command.Check(nil, []string{file})
	if err != nil {
		t.Fatal(err)
	}
	running := problemsOf(t, dir, file)
	text := func(problems []config.Problem) []string {
		var list []string
		for _, p := range problems {
			severity, _ := p.Severity.MarshalText()
			list = append(list, strings.ReplaceAll(string(severity)+" "+p.Error()+" / "+p.Fix, dir+"/", ""))
		}
		slices.Sort(list)
		return list
	}
	got, want := text(checked), text(running)
	for _, p := range want {
		if !slices.Contains(got, p) {
			t.Errorf("check is silent about what the gateway reports: %s", p)
		}
	}
	for _, p := range got {
		if !slices.Contains(want, p) {
			t.Errorf("the gateway is silent about what check reports: %s", p)
		}
	}
	if len(got) != len(want) {
		t.Errorf("check reports %d problems, the gateway %d: one is reported twice", len(got), len(want))
	}
	return checked
}

const proxyHead = "  proxy:\n    image: traefik:v3.7\n    command:\n"

// mistaken are files with mistakes of each kind. Beyond the first, which is given,
// there may be others that it leads to.
var mistaken = map[string]map[string]string{
	"Rules": {"compose.yaml": compose(port, "http.routers.a.rule=Host(`{x:.+}.localhost`)", "http.routers.b.rule=Path(`/{x:.+}`)",
		"http.routers.c.rule=Host(`a`")},
	"Doubts": {"compose.yaml": compose(port, "http.routers.a.rule=HostRegexp(`{x:.+}.localhost`)", "http.routers.b.rule=Path(`/{x:.+}`)",
		"http.routers.c.rule=Host(`https://c.localhost:80/x`)", "http.routers.d.rule=Query(`a=b`)")},
	"Services": {"compose.yaml": compose(port, "http.services.app.loadbalancer.sticky.cookie.samesite=strct",
		"http.services.app.loadbalancer.strategy=rr",
		"http.services.app.loadbalancer.healthcheck.mode=tcp", "http.services.unused.loadbalancer.server.port=81",
		"http.services.unused.loadbalancer.strategy=rr",
		"http.routers.a.rule=Host(`a.localhost`)", "http.routers.a.service=app")},
	"Transport": {"compose.yaml": compose(port, "http.services.app.loadbalancer.serverstransport=nope",
		"http.routers.a.rule=Host(`a.localhost`)"),
		"dynamic.yml": "http:\n  serversTransports:\n    t:\n      minVersion: VersionTLS9\n"},
	"Middlewares": {"compose.yaml": compose(port, "http.middlewares.r.ratelimit.burst=5", "http.middlewares.b.basicauth.realm=x",
		"http.middlewares.z.compress.encodings=gzp",
		"http.middlewares.c.chain.middlewares=b,missing", "http.routers.a.rule=Host(`a.localhost`)",
		"http.routers.a.middlewares=r,c,api@internal,q@file")},
	"Entrypoints": {"compose.yaml": compose(port, "http.routers.a.rule=Host(`a.localhost`)", "http.routers.a.entrypoints=nope,web",
		"http.routers.b.rule=Host(`b.localhost`)",
		"http.routers.b.entrypoints=websecure", "tcp.routers.t.rule=HostSNI(`db.localhost:1`)", "udp.routers.u.entrypoints=dns",
		"http.routers.t.priority=9223372036854775807")},
	"Labels": {"compose.yaml": compose(port,
		"http.routers.a.rul=x") + "      - treafik.enable=true\n      - Traefik.http.routers.b.priority=1\n"},
	"TLSOptions": {"dynamic.yml": "tls:\n  options:\n    old:\n      minVersion: VersionTLS9\n    strict:\n      clientAuth:\n" +
		"        clientAuthType: Maybe\n    weak:\n      cipherSuites: [NOPE]\n" +
		"  certificates:\n    - certFile: nope.pem\n      keyFile: nope.key\nhttp:\n  services:\n    s:\n      loadBalancer:\n" +
		"        servers: [{url: \"http://127.0.0.1:70000\"}]\n" +
		"  routers:\n    r:\n      rule: PathPrefix(`/`)\n      service: s\n      tls: {options: old}\n    q:\n" +
		"      rule: Host(`q.localhost`)\n      service: s\n      tls: {options: strict}\n" +
		"    p:\n      rule: Host(`q.localhost`) && Path(`/p`)\n      service: s\n      tls: {}\n    n:\n      rule: Path(`/n`)\n" +
		"      service: s\n      tls: {options: none}\n"},
	"StrictTLSOptions": {"compose.yaml": compose(slices.Concat(
		route("a", "Host(`a.localhost`)", "http://127.0.0.1:1", "tls=true"),
		route("b", "Host(`a.localhost`) && Path(`/b`)", "http://127.0.0.1:1", "tls.options=old@file"),
		route("c", "Path(`/c`)", "http://127.0.0.1:1", "tls.options=old@file"))...) + proxyHead +
		"      - --core.strictTLSOptions=true\n      - --providers.file.filename=/d.yml\n    volumes: [\"./d.yml:/d.yml\"]\n",
		"d.yml": "tls: {options: {old: {maxVersion: VersionTLS12}}}\n"},
	"ResolverBare": {"compose.yaml": compose(port, "http.routers.a.rule=Host(`a.example.com`)", "http.routers.a.tls.certresolver=le") +
		proxyHead + "      - --certificatesresolvers.le\n      - --entrypoints.websecure.http.tls.certresolver=le\n"},
	"Resolver": {"compose.yaml": compose(port, "http.routers.a.rule=Host(`a.example.com`)", "http.routers.a.tls.certresolver=le",
		"http.routers.b.rule=Host(`*.example.com`)", "http.routers.b.tls.certresolver=letsencrypt") +
		proxyHead + "      - --certificatesresolvers.letsencrypt.acme.keytype=RSA1\n" +
		"      - --certificatesresolvers.letsencrypt.acme.dnschallenge.provider=x\n" +
		"      - --certificatesresolvers.letsencrypt.acme.httpchallenge.entrypoint=wb\n"},
	"Static": {"compose.yaml": compose(port,
		"http.routers.a.rule=Host(`a.localhost`)") + proxyHead +
		"      - --entrypoints.web.address=:http\n      - --entrypoints.extra.address=:8081\n      - --entrypoints.other.address=:8081\n" +
		"      - --entrypoints.extra.forwardedheaders.trustedips=10.0.0.0/99\n      - --entrypoints.extra.http.middlewares=nope@docker\n" +
		"      - --entrypoints.extra.http.redirections.entrypoint.to=nowhere\n" +
		"      - --accesslog.format=jsn\n      - --accesslog.fields.defaultmode=kep\n      - --accesslog.filters.statuscodes=5xx\n" +
		"      - --entrypoint.x.address=:1\n      - --providers.docker.constraints=x\n"},
	"NotEnabled": {"compose.yaml": "services:\n  app:\n    expose: [80]\n    labels: [\"traefik.http.routers.a.rule=Host(`a.localhost`)\"]\n" +
		proxyHead + "      - --providers.docker.exposedbydefault=false\n"},
	"Variables": {"compose.yaml": compose(port, "http.routers.a.rule=Host(`${CHECK_AGREE_UNSET}.localhost`)")},
	"Dollar":    {"compose.yaml": compose(port, "http.middlewares.m.redirectregex.replacement=/${1}")},
	"Composed": {"dynamic.yml": "http:\n  routers:\n    r: {rule: \"Path(`/a`)\", service: w}\n    f: {rule: \"Path(`/b`)\", service: f}\n" +
		"    m: {rule: \"Path(`/c`)\", service: m}\n  services:\n" +
		"    s: {loadBalancer: {servers: [{url: \"http://127.0.0.1:1\"}]}}\n" +
		"    w: {weighted: {services: [{name: s, weight: 0}], sticky: {cookie: {sameSite: odd}}}}\n" +
		"    f: {failover: {service: s, fallback: s}}\n    m: {mirroring: {service: s, mirrors: [{name: s, percent: 200}]}}\n" +
		"    l: {weighted: {services: [{name: l}]}}\n"},
	"YAML": {"compose.yaml": "services:\n  a: [\n"},
	"Both": {"compose.yaml": "services:\n  a:\n    labels:\n      traefik.enable: yes\n      - x\n"},
	"Shadow": {"compose.yaml": compose(port, "http.routers.a.rule=PathPrefix(`/`)", "http.routers.a.priority=99",
		"http.routers.b.rule=Path(`/x`)", "http.routers.c.rule=Path(`/y`)")},
}

// TestCheckAgrees holds check to what a running gateway reports, and the other way
// round.
func TestCheckAgrees(t *testing.T) {
	t.Parallel()
	for name, files := range mistaken {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first := slices.Sorted(maps.Keys(files))[0]
			problems := agree(t, files, first)
			if len(problems) == 0 {
				t.Error("got no problem at all")
			}
			fit(t, name, problems)
		})
	}
}

// TestCheckAgreesOnLabels is TestCheckAgrees for a wrong value of every label.
func TestCheckAgreesOnLabels(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"wrong value", "-1", "("} {
		t.Run(value, func(t *testing.T) {
			t.Parallel()
			agree(t, map[string]string{"compose.yaml": everyLabel(t, value)}, "compose.yaml")
		})
	}
}

// TestCheckReal holds check to what people write by mistake and save.
func TestCheckReal(t *testing.T) {
	t.Parallel()
	const a = "services:\n  a:\n    expose: [80]\n"
	for name, tt := range map[string]struct{ content, want, hint string }{
		"Indent": {"services:\n  a:\n    image: x\n   labels:\n      - traefik.enable=true\n",
			":4: the YAML is malformed: the line is indented otherwise", "as those beside"},
		"Duplicate": {a + "    labels: []\n    labels: []\n", ":5: the key \"labels\" is there already, in line 4", "remove one"},
		"Tab":       {"services:\n\ta:\n", ":2: the YAML is malformed: the line is indented by a tab", "spaces"},
		"ListAndMap": {a + "    labels:\n      - traefik.enable=true\n      traefik.http.routers.a.rule: x\n",
			":6: the YAML is malformed: the line belongs to a list", "dash"},
		"ListOfMaps": {a + "    labels:\n      - traefik.enable: true\n", ":5: service \"a\": a label in the list is written as name: value",
			"write - name=value"},
		"Text": {a + "    labels: traefik.enable=true\n", ":4: service \"a\": the labels are neither a list nor a mapping", "- name=value"},
		"Yes":  {a + "    labels:\n      traefik.enable: yes\n", "\"yes\" is neither true nor false", "write true"},
		"Octal": {a + "    labels:\n      traefik.http.services.a.loadbalancer.server.port: 010\n",
			":5: service \"a\": label \"traefik.http.services.a.loadbalancer.server.port\": 010 is read as the number 8", `"010"`},
		"Colon":  {a + "    labels:\n      - a: b: c\n", ":5: the YAML is malformed: a colon stands where no key is expected", "quotes"},
		"Latin1": {a + "    labels: [\"traefik.x=\xfc\"]\n", ":4: the YAML is malformed: the line is not UTF-8", "UTF-8"},
		"Twice": {a + "    labels:\n      - traefik.http.routers.a.rule=Path(`/a`)\n      - traefik.http.routers.a.rule=Path(`/b`)\n",
			":6: service \"a\": label \"traefik.http.routers.a.rule\": the label is there twice", "remove"},
		"Backtick": {a + "    labels: [`x`]\n", ":4: the YAML is malformed: a text begins with", "quotes"},
		"Label":    {a + "    label: []\n", ":4: service \"a\": \"label\" is not a key of services", "did you mean labels?"},
		"PortName": {"services:\n  a:\n    ports: [\"80:http\"]\n    labels: [traefik.enable=true]\n", "the port \"80:http\" cannot be read",
			"8080:80"},
		"Dollar": {a + "    labels:\n      - traefik.http.middlewares.m.redirectregex.replacement=/$${1}/${2}\n",
			":5: service \"a\": the label \"traefik.http.middlewares.m.redirectregex.replacement\" cannot be read: ${2} is not a variable", "$${2}"},
		"Required": {a + "    labels:\n      - traefik.http.routers.a.rule=Host(`${CHECK_REAL:?say which}`)\n",
			"the variable CHECK_REAL is required and not set: say which", ".env"},
		"Unset": {a + "    labels:\n      - traefik.http.routers.a.rule=Host(`a${CHECK_REAL}.localhost`)\n",
			":5: service \"a\": label \"traefik.http.routers.a.rule\": the variable CHECK_REAL is not set", "${CHECK_REAL:-value}"},
		"UnsetPort": {"services:\n  a:\n    ports:\n      - \"${CHECK_REAL}80\"\n    labels: [traefik.enable=true]\n",
			":4: service \"a\": the variable CHECK_REAL is not set", ".env"},
		"OKDefault": {a + "    labels:\n      - traefik.http.routers.a.rule=Host(`${CHECK_REAL:-a}.localhost`)\n", "", ""},
		"OKAnchors": {"x-l: &l {traefik.enable: \"true\"}\n" + a +
			"    labels:\n      <<: *l\n      traefik.http.routers.a.rule: Host(`a.localhost`)\n", "", ""},
		"OKBOM": {"\ufeffservices:\r\n  a:\r\n    expose: [80]\r\n    labels: [\"traefik.http.routers.a.rule=Host(`a.localhost`)\"]\r\n",
			"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			problems := agree(t, map[string]string{"compose.yaml": tt.content}, "compose.yaml")
			fit(t, name, problems)
			if tt.want == "" {
				if len(problems) > 0 {
					t.Errorf("got %v, want no problem", problems)
				}
				return
			}
			if !slices.ContainsFunc(problems, func(p config.Problem) bool {
				return strings.Contains(p.Error(), tt.want) && strings.Contains(p.Fix, tt.hint)
			}) {
				t.Errorf("got %v, want one with %q and the hint %q", problems, tt.want, tt.hint)
			}
		})
	}
}

// everyLabel is a compose file in which each label that there is has a value.
func everyLabel(t *testing.T, value string) string {
	t.Helper()
	list, err := os.ReadFile("label/labels.txt")
	if err != nil {
		t.Fatal(err)
	}
	return labelled(string(list), value)
}
