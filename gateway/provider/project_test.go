package provider

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"axion/gateway/config"
	"axion/gateway/provider/compose/composetest"
)

// shop is a project in three files, with more that these refer to.
const shop = `
-- compose.yaml --
include: [included.yaml]
services:
  web:
    extends: {file: base/base.yaml, service: base}
    labels:
      - traefik.http.routers.web.rule=Host(` + "`compose`" + `)
    label_file: web.labels
-- override.yaml --
services:
  web:
    labels:
      traefik.http.routers.web.priority: 7
-- base/base.yaml --
services:
  base:
    labels:
      - traefik.http.routers.web.middlewares=base
      - traefik.http.middlewares.base.addprefix.prefix=/base
-- included.yaml --
services:
  included:
    labels: ["traefik.http.routers.included.rule=Host(` + "`included`" + `)"]
    expose: [80]
-- web.labels --
# those of web
traefik.http.services.web.loadbalancer.server.port=3000
`

func openShop(t *testing.T) (dir string, files []string) {
	t.Helper()
	dir = composetest.Unpack(t, shop)
	return dir, []string{filepath.Join(dir, "compose.yaml"), filepath.Join(dir, "override.yaml")}
}

func TestProject(t *testing.T) {
	t.Parallel()
	dir, files := openShop(t)
	d := open(t, Options{Files: files}).Dynamic()
	r := d.Routers["web@docker"]
	if r == nil || len(d.Problems) != 0 {
		t.Fatalf("got rules %v, problems %v; want the router", rules(d), d.Problems)
	}
	if r.Rule != "Host(`compose`)" || r.Priority != 7 || len(r.Middlewares) != 1 || r.Service != "web@docker" ||
		d.Routers["included@docker"] == nil {
		t.Errorf("got %+v, want what all files say", r)
	}
	if s := servers(d, "web@docker"); len(s) != 1 || s[0] != "http://127.0.0.1:3000" {
		t.Errorf("got servers %v, want the port of label_file", s)
	}
	for label, want := range map[string]struct {
		file string
		line int
	}{
		"traefik.http.routers.web.rule":                      {"compose.yaml", 6},
		"traefik.http.routers.web.priority":                  {"override.yaml", 4},
		"traefik.http.routers.web.middlewares":               {"base/base.yaml", 4},
		"traefik.http.services.web.loadbalancer.server.port": {"web.labels", 2},
		"traefik.http.middlewares.base.addprefix.prefix":     {"base/base.yaml", 5},
		"traefik.http.routers.web.nowhere":                   {strings.TrimPrefix(r.Origin.File, dir+"/"), r.Origin.Line},
	} {
		if file, line := d.Locate(label, r.Origin); file != filepath.Join(dir, want.file) || line != want.line {
			t.Errorf("%s: got %s:%d, want %s:%d", label, file, line, want.file, want.line)
		}
	}
	if o := d.Middlewares["base@docker"].Origin; o.File != filepath.Join(dir, "base/base.yaml") || o.Line != 5 || o.Service != "web" {
		t.Errorf("got origin %+v, want the extended file's line 5", o)
	}
}

// TestRunProject saves each of a project's files.
func TestRunProject(t *testing.T) {
	t.Parallel()
	dir, files := openShop(t)
	r := run(t, Options{Files: files})
	edit := func(name, from, to string) {
		t.Helper()
		path := filepath.Join(dir, name)
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		replace(t, path, strings.Replace(string(data), from, to, 1))
	}
	edit("base/base.yaml", "prefix=/base", "prefix=/new")
	r.until(t, "the extended file", func(d *config.Dynamic) bool { return d.Middlewares["base@docker"].AddPrefix.Prefix == "/new" })
	edit("included.yaml", "Host(`included`)", "Host(`new`)")
	r.untilRule(t, "included", "new")
	edit("web.labels", "3000", "4000")
	r.until(t, "the label_file", func(d *config.Dynamic) bool { return servers(d, "web@docker")[0] == "http://127.0.0.1:4000" })
	edit("override.yaml", "priority: 7", "priority: 8")
	r.until(t, "the override", func(d *config.Dynamic) bool { return d.Routers["web@docker"].Priority == 8 })

	edit("base/base.yaml", "labels:", "labels: [")
	if p := r.untilProblem(t, "malformed"); p.File != filepath.Join(dir, "base/base.yaml") || p.Line == 0 {
		t.Errorf("got %+v, want the place in the extended file", p)
	}
	edit("base/base.yaml", "labels: [", "labels:")
	r.until(t, "fixed", func(d *config.Dynamic) bool { return len(d.Problems) == 0 })
	edit("base/base.yaml", "base.addprefix.prefix", "base.addprefix.prefx")
	if p := r.untilProblem(t, "no such label"); p.File != filepath.Join(dir, "base/base.yaml") || p.Line != 5 {
		t.Errorf("got %+v, want line 5 of the extended file", p)
	}
	if err := os.Remove(filepath.Join(dir, "included.yaml")); err != nil {
		t.Fatal(err)
	}
	if p := r.untilProblem(t, "there is no such file"); p.File != files[0] || p.Line != 1 {
		t.Errorf("got %+v, want the place where it is included", p)
	}
	for _, d := range r.seen {
		if len(d.Routers) != 2 || d.Middlewares["base@docker"] == nil {
			t.Errorf("got rules %v, want the last good project at all times", rules(d))
		}
	}
}

func TestProjectErrors(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, archive, file, want string
		line                      int
	}{
		{"ErrExtendsMissing", "-- c.yaml --\nservices:\n  a:\n    extends: {file: no.yaml, service: a}\n", "c.yaml",
			"no.yaml: there is no such file", 3},
		{"ErrExtendsUnknown", "-- c.yaml --\nservices:\n  a:\n    extends: b\n", "c.yaml", `extends the service "b", which is not in`, 3},
		{"ErrExtendsItself", "-- c.yaml --\nservices:\n  a: {extends: b}\n  b: {extends: a}\n", "c.yaml", "extends itself", 0},
		{"ErrIncludeMissing", "-- c.yaml --\ninclude:\n  - no.yaml\n", "c.yaml", "no.yaml: there is no such file", 2},
		{"ErrIncludeItself", "-- c.yaml --\ninclude:\n  - d.yaml\n-- d.yaml --\ninclude: [c.yaml]\n", "d.yaml", "included by itself", 1},
		{"ErrIncludeNothing", "-- c.yaml --\ninclude:\n  - {}\n", "c.yaml", "names no file", 2},
		{"ErrIncludedMalformed", "-- c.yaml --\ninclude: [d.yaml]\n-- d.yaml --\nservices: [\n", "d.yaml", "malformed", 3},
		{"ErrLabelFile", "-- c.yaml --\nservices:\n  a:\n    label_file: no\n", "c.yaml", "label_file", 3},
		{"ErrLabelFileText", "-- c.yaml --\nservices:\n  a:\n    label_file: l\n-- l --\na=1\nsecret word = x\n", "l",
			"the line is not NAME=value", 2},
		{"ErrEnv", "-- c.yaml --\nservices: {}\n-- .env --\na=1\nmy secret\n", ".env", "the line is not NAME=value", 2},
		{"ErrServiceName", "-- c.yaml --\nservices:\n  1: {}\n", "c.yaml", "is no text", 2},
		{"ErrTagged", "-- c.yaml --\nservices:\n  a: {labels: !reset {}, ports: 3}\n", "c.yaml", "ports", 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := composetest.Unpack(t, tt.archive)
			_, err := New(Options{Files: []string{filepath.Join(dir, "c.yaml")}, EnvLookup: none})
			p, ok := err.(config.Problem)
			if !ok {
				t.Fatalf("got %v, want a problem", err)
			}
			if p.File != filepath.Join(dir, tt.file) || !strings.Contains(p.Message, tt.want) || tt.line > 0 && p.Line != tt.line {
				t.Errorf("got %v, want %s:%d: %s", p, tt.file, tt.line, tt.want)
			}
			if strings.Contains(p.Error(), "secret") {
				t.Errorf("got %v, which quotes what may be secret", p)
			}
		})
	}
}

func TestProfiles(t *testing.T) {
	t.Parallel()
	path := tempFile(t, web("a")+"    profiles: [debug]\n")
	for profiles, want := range map[string]int{"": 0, "debug": 1, "x, debug": 1, "*": 1, "x": 0} {
		env := func(name string) (string, bool) { return profiles, name == "COMPOSE_PROFILES" }
		if d := open(t, Options{Files: []string{path}, EnvLookup: env}).Dynamic(); len(d.Routers) != want {
			t.Errorf("COMPOSE_PROFILES=%s: got %d routers, want %d", profiles, len(d.Routers), want)
		}
	}
}

func TestSwarmLabels(t *testing.T) {
	t.Parallel()
	d := open(t, Options{Files: []string{tempFile(t,
		"services:\n  web:\n    deploy:\n      labels:\n        - a=b\n        - traefik.enable=true\n")}}).Dynamic()
	if len(d.Problems) != 1 || d.Problems[0].Line != 6 || d.Problems[0].Label != "traefik.enable" ||
		d.Problems[0].Severity != config.Warning || !strings.Contains(d.Problems[0].Fix, "move them") {
		t.Errorf("got %v, want a warning at line 6", d.Problems)
	}
}

// TestMoved shows that what stands further down is what it was, but for its line.
func TestMoved(t *testing.T) {
	t.Parallel()
	path := tempFile(t, web("a"))
	p := open(t, Options{Files: []string{path}})
	before := p.Dynamic().Routers["r@docker"]
	write(t, path, "# a comment\n"+web("a"))
	p.scan(map[string]bool{path: true})
	if !p.resolve() {
		t.Fatal("got no change")
	}
	d := p.Dynamic()
	after := d.Routers["r@docker"]
	if file, line := d.Locate("traefik.http.routers.r.rule", after.Origin); after.Origin.Line != before.Origin.Line+1 ||
		line != after.Origin.Line || file != path {
		t.Errorf("got line %d, label at %d; want one more than %d", after.Origin.Line, line, before.Origin.Line)
	}
	if !maps.Equal(rules(d), map[string]string{"r": "Host(`a`)"}) {
		t.Errorf("got %v, want the same rules", rules(d))
	}
}

// TestRunContinuously shows that saves without a pause do not put a reload off
// for ever.
func TestRunContinuously(t *testing.T) {
	t.Parallel()
	path := tempFile(t, web("a"))
	r := run(t, Options{Files: []string{path}})
	for n := 0; len(r.changes) < 3; n++ {
		replace(t, path, web(strings.Repeat("x", 1+n%50)))
		if n > 200_000 {
			t.Fatal("got no reload while the file is being saved")
		}
	}
}
