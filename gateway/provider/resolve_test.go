package provider

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"axion/gateway/config"
	"axion/gateway/provider/watched"
)

// TestUnchanged shows that only what matters is taken for a change.
func TestUnchanged(t *testing.T) {
	t.Parallel()
	path := tempFile(t, web("a"))
	p := open(t, Options{Files: []string{path}})
	before, doc := p.Dynamic(), p.sources[0].latest
	for _, tt := range []struct {
		name, content string
		read          bool
	}{
		{"OKTouched", web("a"), false},
		{"OKComment", web("a") + "# a comment\n", true},
		{"OKOtherKeys", web("a") + "    image: x\nvolumes: {}\n", true},
	} {
		write(t, path, tt.content)
		if changed, _ := p.scan(map[string]bool{path: true}); changed != tt.read {
			t.Errorf("%s: got read %t, want %t", tt.name, changed, tt.read)
		}
		if p.resolve() || p.Dynamic() != before {
			t.Errorf("%s: got a change of the configuration", tt.name)
		}
	}
	if doc == p.sources[0].latest {
		t.Error("the file is not read anew")
	}
	doc = p.sources[0].latest
	if p.scan(nil); doc != p.sources[0].latest {
		t.Error("an unchanged file is parsed again")
	}
}

// TestFaultyStart shows that a file which was faulty from the start can be
// fixed bit by bit.
func TestFaultyStart(t *testing.T) {
	t.Parallel()
	bad := "  bad:\n    labels:\n      traefik.http.routers.x.rulle: y\n"
	path := tempFile(t, web("a")+bad)
	p := open(t, Options{Files: []string{path}})
	write(t, path, web("b")+bad)
	p.scan(map[string]bool{path: true})
	if p.resolve(); rules(p.Dynamic())["r"] != "Host(`b`)" {
		t.Errorf("got %v, want the change in spite of the error that was there before", rules(p.Dynamic()))
	}
}

func TestFragmentFaultyAtStart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "bad.yaml"), "[")
	write(t, filepath.Join(dir, "good.yaml"), web("a"))
	p := open(t, Options{Dir: dir})
	if len(p.Dynamic().Routers) != 1 || len(p.Problems()) != 1 {
		t.Errorf("got rules %v, problems %v; want the good fragment and one problem", rules(p.Dynamic()), p.Problems())
	}
}

// TestConflictStaysAlone shows that two files which define one name hold back
// neither those that come later nor changes of others.
func TestConflictStaysAlone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name+".yaml") }
	write(t, path("first"), app("first", "r", "first", 1))
	write(t, path("other"), app("other", "other", "before", 2))
	p := open(t, Options{Dir: dir})
	for _, step := range []struct {
		name, content string
		want          map[string]string
	}{
		{"second", app("second", "r", "second", 3), map[string]string{"r": "Host(`first`)", "other": "Host(`before`)"}},
		{"third", app("third", "third", "third", 4),
			map[string]string{"r": "Host(`first`)", "other": "Host(`before`)", "third": "Host(`third`)"}},
		{"other", app("other", "other", "after", 2), map[string]string{"r": "Host(`first`)", "other": "Host(`after`)", "third": "Host(`third`)"}},
	} {
		write(t, path(step.name), step.content)
		p.scan(map[string]bool{path(step.name): true})
		p.resolve()
		if got := rules(p.Dynamic()); !maps.Equal(got, step.want) {
			t.Errorf("after %s: got %v, want %v", step.name, got, step.want)
		}
		if got := p.Problems(); len(got) != 1 || got[0].Service != "second" {
			t.Errorf("after %s: got problems %v, want the second file's", step.name, got)
		}
	}
}

// TestBreakingChange shows that a change which breaks what another file has in force is
// held back alone, and named, and that one whose file goes away holds back nothing.
func TestBreakingChange(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name+".yaml") }
	save := func(name, host string) { write(t, path(name), app(name, name, host, 1)) }
	needsTool := func(d *config.Dynamic) []config.Problem {
		if rules(d)["tool"] == "Host(`kept`)" {
			return nil
		}
		return []config.Problem{{Severity: config.Error, File: path("user"), Message: "the tool is missing"}}
	}
	all := []string{"a", "b", "tool", "c", "user"}
	for _, name := range all {
		save(name, "kept")
	}
	p := open(t, Options{Dir: dir, Check: needsTool})
	for _, step := range []struct {
		name, host string
		changed    []string
		want       map[string]string // of hosts, where they are not kept
	}{
		{name: "together", host: "new", changed: []string{"a", "b", "tool", "c"}, want: map[string]string{"a": "new", "b": "new", "c": "new"}},
		{name: "later", host: "newer", changed: []string{"c"}, want: map[string]string{"a": "new", "b": "new", "c": "newer"}},
	} {
		seen := map[string]bool{}
		for _, name := range step.changed {
			save(name, step.host)
			seen[path(name)] = true
		}
		p.scan(seen)
		p.resolve()
		for _, name := range all {
			want, ok := step.want[name]
			if want = "Host(`" + want + "`)"; !ok {
				want = "Host(`kept`)"
			}
			if got := rules(p.Dynamic())[name]; got != want {
				t.Errorf("%s: got %s of %s, want %s", step.name, got, name, want)
			}
		}
		if got := p.Problems(); len(got) != 1 || got[0].File != path("tool") || !strings.Contains(got[0].Message, "the tool is missing") {
			t.Errorf("%s: got problems %v, want one of the tool's file", step.name, got)
		}
	}
	save("tool", "kept")
	r := run(t, Options{Dir: dir, Check: needsTool})
	remove(t, path("tool"))
	r.untilRule(t, "tool", "")
	save("a", "last")
	r.untilRule(t, "a", "last")
}

func TestFileTooLarge(t *testing.T) {
	t.Parallel()
	path := tempFile(t, "")
	if err := os.Truncate(path, watched.MaxSize+1); err != nil {
		t.Fatal(err)
	}
	if _, err := New(Options{Files: []string{path}}); err == nil || !strings.Contains(err.Error(), "larger than 16 MiB") {
		t.Errorf("got %v, want the limit", err)
	}
}

func TestMerge(t *testing.T) {
	t.Parallel()
	const label = "      - traefik.http."
	service := func(name string, labels ...string) string {
		return "  " + name + ":\n    labels:\n" + label + strings.Join(labels, "\n"+label) + "\n"
	}
	route := func(rule string) string { return "routers.r.rule=" + rule }
	port := func(n string) string { return "services.s.loadbalancer.server.port=" + n }
	for _, tt := range []struct {
		name, content string
		routers       []string
		servers       []string
		problems      []string
	}{
		{"OKServersMerge", service("a", route("Path(`/`)"), port("1")) + service("b", route("Path(`/`)"), port("2")) +
			service("c", port("2"), route("Path(`/`)")),
			[]string{"r"}, []string{"http://127.0.0.1:1", "http://127.0.0.1:2"}, nil},
		{"ErrServicesDiffer", service("a", route("Path(`/`)"), port("1")) +
			service("b", route("Path(`/`)"), port("2"), "services.s.loadbalancer.passhostheader=false"),
			[]string{"r"}, nil, []string{`the service "s" is left out`, `the service "s" is left out`}},
		{"ErrRoutersDiffer", service("a", route("Path(`/a`)"), port("1")) +
			service("b", route("Path(`/b`)"), port("2"), "routers.ok.rule=Path(`/`)"),
			[]string{"ok"}, []string{"http://127.0.0.1:1", "http://127.0.0.1:2"},
			[]string{`the router "r" is left out: service "b"`, `the router "r" is left out: service "a"`}},
		{"ErrMiddlewaresDiffer", service("a", "middlewares.m.addprefix.prefix=/a") + service("b", "middlewares.m.addprefix.prefix=/b"),
			nil, nil, []string{`the middleware "m"`, `the middleware "m"`}},
		{"OKMiddlewaresAgree", service("a", "middlewares.m.addprefix.prefix=/a") + service("b", "middlewares.m.addprefix.prefix=/a"), nil, nil,
			nil},
		{"ErrUnsupportedElsewhere", service("a", route("Path(`/`)"), port("1"), "routers.r.middlewares=auth", "routers.ok.rule=Path(`/ok`)") +
			service("b", "middlewares.auth.plugin.x.y=z"),
			[]string{"ok"}, []string{"http://127.0.0.1:1"},
			[]string{`the router "r" is left out: its middleware "auth" needs traefik.http.middlewares.auth.plugin.x.y`,
				"this label is not supported"}},
		{"ErrUnsupportedInChain", service("a", route("Path(`/`)"), port("1"), "routers.r.middlewares=outer", "routers.ok.rule=Path(`/ok`)",
			"middlewares.outer.chain.middlewares=inner", "middlewares.inner.chain.middlewares=p", "middlewares.p.plugin.x.y=z"),
			[]string{"ok"}, []string{"http://127.0.0.1:1"},
			[]string{`the router "r" is left out: its middleware "outer" needs`, "this label is not supported"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := open(t, Options{Files: []string{tempFile(t, "services:\n"+tt.content)}}).Dynamic()
			if got := slices.Sorted(maps.Keys(rules(d))); !slices.Equal(got, tt.routers) {
				t.Errorf("got routers %v, want %v", got, tt.routers)
			}
			if got := servers(d, "s@docker"); !slices.Equal(got, tt.servers) {
				t.Errorf("got servers %v, want %v", got, tt.servers)
			}
			if len(d.Problems) != len(tt.problems) {
				t.Fatalf("got problems %v, want %d", d.Problems, len(tt.problems))
			}
			for i, want := range tt.problems {
				if !strings.Contains(d.Problems[i].Message, want) || d.Problems[i].Line == 0 {
					t.Errorf("got %v, want %q and a line", d.Problems[i], want)
				}
			}
			if r := d.Routers["r@docker"]; r != nil && len(r.Middlewares) != 0 {
				t.Errorf("got middlewares %v, want none", r.Middlewares)
			}
		})
	}
}

// servers are the addresses of a service, none if there is no such service.
func servers(d *config.Dynamic, service string) []string {
	var urls []string
	if s := d.Services[service]; s != nil {
		for _, u := range s.LoadBalancer.Servers {
			urls = append(urls, u.URL)
		}
	}
	return urls
}

func TestMergeLayers(t *testing.T) {
	t.Parallel()
	base := Source{"embedded", []byte(app("theirs", "r", "base", 1) + "      - traefik.http.routers.r.middlewares=a@file,b\n")}
	d := open(t, Options{Base: []Source{base}}).Dynamic()
	r := d.Routers["r@docker"]
	if !slices.Equal(r.Middlewares, []string{"a@file", "b@docker"}) || r.Service != "r@docker" || d.Services[r.Service] == nil {
		t.Errorf("got %+v, want qualified references", r)
	}
	d = open(t, Options{Base: []Source{base}, Files: []string{tempFile(t, app("mine", "r", "mine", 2))}}).Dynamic()
	if got := rules(d)["r"]; got != "Host(`mine`)" {
		t.Errorf("got %q, want the higher layer's", got)
	}
	if got := d.Services["r@docker"].LoadBalancer.Servers; len(got) != 1 || got[0].URL != "http://127.0.0.1:2" {
		t.Errorf("got %v, want the higher layer's server alone", got)
	}
	for _, p := range d.Problems {
		if p.Severity != config.Warning || !strings.Contains(p.Message, `replaces that of service "theirs" in embedded`) {
			t.Errorf("got %v, want a warning that names what is replaced", p)
		}
	}
	if len(d.Problems) != 2 {
		t.Errorf("got %d problems, want one for the router and one for the service", len(d.Problems))
	}
}
