package provider

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"axion/gateway/config"
	"axion/gateway/provider/merge"
)

func TestNewErrors(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, content string
		line          int
		want, hint    string
	}{
		{"ErrMalformed", "services:\n  web:\n    labels: [\n", 4, "the YAML is malformed", ""},
		{"ErrTab", "services:\n\tweb: {}\n", 2, "the YAML is malformed", ""},
		{"ErrNotMapping", "- a\n- b\n", 1, "its top level is no mapping", "services:"},
		{"ErrText", "hello", 1, "its top level is no mapping", ""},
		{"ErrEmpty", "# nothing\n", 0, "the file is empty", ""},
		{"ErrUnknownKey", "name: x\nservice:\n  web: {}\n", 2, `"service" is not a key of compose files`, "did you mean services?"},
		{"ErrServicesList", "services:\n  - web\n", 2, "services is not a mapping", ""},
		{"ErrServiceText", "services:\n  web: nginx\n", 2, "the service is not a mapping", ""},
		{"ErrLables", "services:\n  web:\n    image: x\n    lables: []\n", 4, `"lables" is not a key of services`, "did you mean labels?"},
		{"ErrLabelsNumber", "services:\n  web:\n    labels: 3\n", 3, "neither a list nor a mapping", "- name=value"},
		{"ErrPorts", "services:\n  web:\n    ports: [\"a:b\"]\n", 3, "invalid containerPort: b", ""},
		{"ErrRequired", "services:\n  web:\n    labels:\n      a: ${MISSING:?set it}\n", 4, "set it", ""},
		{"ErrInterpolation", "services:\n  web:\n    labels:\n      a: ${\n", 4, "is not a variable of compose", "write $$"},
		{"ErrBomb", "x-a: &a {a: 1}\nx-b: &b {<<: [*a,*a,*a,*a,*a,*a,*a,*a,*a]}\nx-c: &c {<<: [*b,*b,*b,*b,*b,*b,*b,*b,*b]}\n" +
			"x-d: &d {<<: [*c,*c,*c,*c,*c,*c,*c,*c,*c]}\nx-e: &e {<<: [*d,*d,*d,*d,*d,*d,*d,*d,*d]}\n", 5, "excessive aliasing", ""},
		{"ErrTwice", "services:\n  web:\n    labels:\n      a: 1\n      b: 2\n      a: 3\n", 6, `the key "a" is there already, in line 4`,
			"remove"},
		{"ErrSelf", "services: {}\nx-a: &a\n  <<: *a\n", 2, "excessive aliasing", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := tempFile(t, tt.content)
			_, err := New(Options{Files: []string{path}, EnvLookup: none})
			p, ok := errors.AsType[config.Problem](err)
			if !ok {
				t.Fatalf("got error %v, want a config.Problem", err)
			}
			if p.File != path || p.Line != tt.line || !strings.Contains(p.Message, tt.want) || !strings.Contains(p.Hint(), tt.hint) {
				t.Errorf("got %v, hint %q; want line %d, %q, hint %q", p, p.Fix, tt.line, tt.want, tt.hint)
			}
		})
	}
}

func TestNewUnreadable(t *testing.T) {
	t.Parallel()
	t.Run("ErrMissing", func(t *testing.T) {
		t.Parallel()
		if _, err := New(Options{Files: []string{"nowhere/compose.yaml"}}); err == nil ||
			!strings.Contains(err.Error(), "nowhere/compose.yaml: there is no such file") {
			t.Errorf("got %v, want an error that names the file", err)
		}
	})
	t.Run("ErrDevice", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "compose.yaml")
		if err := os.Symlink(os.DevNull, path); err != nil {
			t.Fatal(err)
		}
		if _, err := New(Options{Files: []string{path}}); err == nil || !strings.Contains(err.Error(), "not a regular file") {
			t.Errorf("got %v, want an error", err)
		}
	})
	t.Run("ErrBase", func(t *testing.T) {
		t.Parallel()
		if _, err := New(Options{Base: []Source{{Name: "embedded", Data: []byte("[")}}}); err == nil ||
			!strings.Contains(err.Error(), "embedded:2") {
			t.Errorf("got %v, want an error that names the source", err)
		}
	})
}

func TestNewLabelErrors(t *testing.T) {
	t.Parallel()
	p := open(t, Options{Files: []string{tempFile(t, web("a")+"  bad:\n    labels:\n      traefik.http.routers.x.rulle: y\n")}})
	if got, want := rules(p.Dynamic()), map[string]string{"r": "Host(`a`)"}; !maps.Equal(got, want) {
		t.Errorf("got rules %v, want %v: the rest of the file is unharmed", got, want)
	}
	if got := p.Problems(); len(got) != 1 || got[0].Service != "bad" || got[0].Line != 8 || got[0].Severity != config.Error {
		t.Errorf("got problems %v, want one of service bad at line 8", got)
	}
}

// TestForms reads the ways in which compose files are written.
func TestForms(t *testing.T) {
	t.Parallel()
	const labels = "traefik.http.routers.r.rule"
	for _, tt := range []struct {
		name, content, rule string
		line                int
		server              string
	}{
		{"OKList", "services:\n  web:\n    expose: [80]\n    labels:\n      - traefik.enable=true\n      - " + labels + "=Host(`a`)\n",
			"Host(`a`)", 6, "http://127.0.0.1:80"},
		{"OKMap", "services:\n  web:\n    expose: [\"80/tcp\", \"79/udp\"]\n    labels:\n      " + labels + ": Host(`a`)\n", "Host(`a`)", 5,
			"http://127.0.0.1:80"},
		{"OKVariable", "services:\n  web:\n    expose: [80]\n    labels:\n" +
			"      - traefik.http.routers.${NAME}.rule=Host(`${HOST}.${UNSET-x}$UNSET`)\n", "Host(`a.x`)", 5, "http://127.0.0.1:80"},
		{"OKDollar", "services:\n  web:\n    expose: [80]\n    labels:\n      - " + labels + "=HostRegexp(`^a$$`)\n", "HostRegexp(`^a$`)", 5,
			"http://127.0.0.1:80"},
		{"OKShortPort", "services:\n  web:\n    ports: [\"8081:8080\"]\n    labels: [\"" + labels + "=Host(`a`)\"]\n", "Host(`a`)", 4,
			"http://127.0.0.1:8081"},
		{"OKLongPort", "services:\n  web:\n    ports:\n      - {target: 8080, published: \"8081\", host_ip: 127.0.0.2}\n    labels: [\"" +
			labels + "=Host(`a`)\"]\n", "Host(`a`)", 5, "http://127.0.0.2:8081"},
		{"OKAnchor", "x-labels: &l\n  " + labels +
			": Host(`a`)\nservices:\n  web:\n    expose: [80]\n    labels:\n      <<: *l\n      other: x\n", "Host(`a`)", 2, "http://127.0.0.1:80"},
		{"OKAnchors", "x-a: &a {traefik.enable: \"true\"}\nx-b: &b {" + labels +
			": Host(`a`)}\nx-s: &s\n  expose: [80]\nservices:\n  web:\n    <<: *s\n    labels: {<<: [*a, *b]}\n", "Host(`a`)", 2,
			"http://127.0.0.1:80"},
		{"OKExtends", "services:\n  base:\n    expose: [80]\n    labels: [\"traefik.enable=false\"]\n  web:\n    extends: base\n" +
			"    labels: [\"traefik.enable=true\", \"" + labels + "=Host(`a`)\"]\n", "Host(`a`)", 7, "http://127.0.0.1:80"},
		{"OKLeniently", "version: '3'\nservices:\n  web:\n    depends_on: [nowhere]\n    env_file: nowhere.env\n    networks: [nowhere]\n" +
			"    expose: [80]\n    labels: [\"" + labels + "=Host(`a`)\"]\n", "Host(`a`)", 8, "http://127.0.0.1:80"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			env := func(name string) (string, bool) {
				v, ok := map[string]string{"NAME": "r", "HOST": "a"}[name]
				return v, ok
			}
			d := open(t, Options{Files: []string{tempFile(t, tt.content)}, EnvLookup: env}).Dynamic()
			r := d.Routers["r@docker"]
			if r == nil {
				t.Fatalf("got no router; problems %v", d.Problems)
			}
			if r.Rule != tt.rule || r.Origin.Line != tt.line {
				t.Errorf("got rule %s at line %d, want %s at %d", r.Rule, r.Origin.Line, tt.rule, tt.line)
			}
			if s := d.Services[r.Service]; s == nil || s.LoadBalancer.Servers[0].URL != tt.server {
				t.Errorf("got service %+v, want server %s", s, tt.server)
			}
		})
	}
}

func TestDotEnv(t *testing.T) {
	t.Parallel()
	path := tempFile(t, web("${HOST}.${TOP}"))
	write(t, filepath.Join(filepath.Dir(path), ".env"), "HOST=a\nTOP=file\n")
	env := func(name string) (string, bool) { return "process", name == "TOP" }
	if got := rules(open(t, Options{Files: []string{path}, EnvLookup: env}).Dynamic())["r"]; got != "Host(`a.process`)" {
		t.Errorf("got %s, want the file's HOST and the process's TOP", got)
	}
}

func TestProjectName(t *testing.T) {
	t.Parallel()
	content := "name: shop\nservices:\n  web:\n    expose: [80]\n    labels: [traefik.enable=true]\n"
	if got := rules(open(t, Options{Files: []string{tempFile(t, content)}}).Dynamic())["web-shop"]; got != "Host(`web-shop`)" {
		t.Errorf("got %q, want the default rule with the project's name", got)
	}
}

func TestExposedByDefault(t *testing.T) {
	t.Parallel()
	hidden := web("a") + "  proxy:\n    command: traefik --providers.docker.exposedByDefault=false\n"
	enabled := web("a") + "      - traefik.enable=true\n"
	for _, tt := range []struct {
		name, content string
		require       bool
		want          int
	}{
		{"OK", web("a"), false, 1},
		{"OKRequired", web("a"), true, 0},
		{"OKRequiredAndEnabled", enabled, true, 1},
		{"OKTraefikHides", hidden, false, 0},
		{"OKTraefikHidesAndEnabled", strings.Replace(hidden, "  proxy", "      - traefik.enable=true\n  proxy", 1), false, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := open(t, Options{Files: []string{tempFile(t, tt.content)}, RequireEnable: tt.require}).Dynamic()
			if len(d.Routers) != tt.want || len(d.Problems) != 1-tt.want || len(d.Unserved) != 1-tt.want {
				t.Errorf("got rules %v, problems %v; want %d routers, or a word about traefik.enable", rules(d), d.Problems, tt.want)
			}
		})
	}
}

func TestLayers(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "to", "create")
	mine := tempFile(t, app("web", "one", "mine", 1)+"  other:\n    labels: [traefik.enable=false]\n")
	base := []Source{{"embedded", []byte(app("web", "zero", "base", 3))},
		{"embedded too", []byte(app("kept", "kept", "kept", 4) + "  other:\n    expose: [80]\n    labels: [traefik.enable=true]\n")}}
	d := open(t, Options{Base: base, Files: []string{mine}, Dir: dir}).Dynamic()
	if got, want := rules(d), map[string]string{"one": "Host(`mine`)", "kept": "Host(`kept`)"}; !maps.Equal(got, want) {
		t.Errorf("got %v, want %v: a service replaces those of its name below, whole", got, want)
	}
	if o := d.Routers["one@docker"].Origin; o.Layer != merge.FileLayer || o.File != mine || o.Service != "web" {
		t.Errorf("got origin %+v, want layer 1", o)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Errorf("the directory is not created: %v", err)
	}
	write(t, filepath.Join(dir, "f.yml"), app("web", "top", "fragment", 5))
	write(t, filepath.Join(dir, "ignored.txt"), "x")
	d = open(t, Options{Base: base, Files: []string{mine}, Dir: dir}).Dynamic()
	if got, want := rules(d), map[string]string{"top": "Host(`fragment`)", "kept": "Host(`kept`)"}; !maps.Equal(got, want) {
		t.Errorf("got %v, want %v: fragments are the highest layer", got, want)
	}
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	d := open(t, Options{Base: []Source{{"embedded", []byte(web("a"))}},
		Addresses: map[string][]string{"web": {"127.0.0.1:9", "127.0.0.1:10"}}}).Dynamic()
	if got := d.Services["r@docker"].LoadBalancer.Servers; len(got) != 2 || got[0].URL != "http://127.0.0.1:9" {
		t.Errorf("got %v, want the real addresses", got)
	}
	// Elsewhere a port is one of 127.0.0.1; whoever replaces a service of the base layer may
	// listen on ::1 alone.
	for want, options := range map[string]Options{
		"http://localhost:3000": {Base: []Source{{"embedded", []byte(web("a"))}}},
		"http://127.0.0.1:3000": {Files: []string{tempFile(t, web("a"))}},
	} {
		if got := open(t, options).Dynamic().Services["r@docker"].LoadBalancer.Servers; len(got) != 1 || got[0].URL != want {
			t.Errorf("got %v, want %s", got, want)
		}
	}
}
