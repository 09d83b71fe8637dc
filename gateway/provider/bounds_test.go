package provider

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"axion/gateway/config"
)

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

func fragment(i int) string { return fmt.Sprintf("p%05d", i) }

// No number of deployed projects is the last, neither while they come nor after a
// restart.
func TestManyFragments(t *testing.T) {
	t.Parallel()
	const many = 2100
	dir := t.TempDir()
	for i := range many {
		write(t, filepath.Join(dir, fragment(i)+".yaml"), app(fragment(i), fragment(i), fragment(i)+".localhost", 3000))
	}
	r := run(t, Options{Dir: dir})
	last := fragment(many)
	write(t, filepath.Join(dir, last+".yaml"), app(last, last, last+".localhost", 3000))
	r.untilRule(t, last, last+".localhost")
	for range 2 {
		d := open(t, Options{Dir: dir}).Dynamic()
		if got := len(rules(d)); got != many+1 || len(d.Problems) > 0 {
			t.Errorf("got %d routers, problems %v; want %d", got, d.Problems, many+1)
		}
	}
}

func fragments(d *config.Dynamic) string {
	var names []string
	for i := range 10 {
		if rules(d)[fragment(i)] != "" {
			names = append(names, fmt.Sprint(i))
		}
	}
	return strings.Join(names, "")
}

// A bound names what it leaves out; what is served stays, and what was left out
// comes once there is room.
func TestFragmentBound(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(i int) string { return filepath.Join(dir, fragment(i)+".yaml") }
	put := func(i int) { write(t, file(i), app(fragment(i), fragment(i), "a.localhost", 3000)) }
	for _, i := range []int{1, 2, 3, 4} {
		put(i)
	}
	limits := bounds{files: 3, entries: 100, folders: 1}
	r := run(t, Options{Dir: dir, limits: &limits})
	if got := fragments(r.Dynamic()); got != "123" {
		t.Fatalf("served: got %s, want 123", got)
	}
	problems := r.Problems()
	if len(problems) != 1 || problems[0].File != dir || !strings.Contains(problems[0].Message, "more than 3 files") ||
		!strings.Contains(problems[0].Message, fragment(4)) {
		t.Errorf("problems: got %v, want one that names what is left out", problems)
	}
	if got := r.log.count("more than 3 files"); got != 1 {
		t.Errorf("log: got it %d times, want once", got)
	}
	put(0)
	r.untilProblem(t, fragment(0))
	if got := fragments(r.Dynamic()); got != "123" {
		t.Errorf("served with another: got %s, want 123", got)
	}
	remove(t, file(2))
	r.until(t, "the first of those left out", func(d *config.Dynamic) bool { return fragments(d) == "013" })
	remove(t, file(4))
	r.until(t, "no problem", func(d *config.Dynamic) bool { return len(d.Problems) == 0 && fragments(d) == "013" })
}

func TestFolderBounds(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		limits bounds
		want   string
	}{
		"OK":          {bounds{files: 3, entries: 9, folders: 4, depth: 3}, ""},
		"Err/files":   {bounds{files: 2, entries: 9, folders: 4, depth: 3}, "more than 2 files"},
		"Err/entries": {bounds{files: 3, entries: 5, folders: 4, depth: 3}, "more than 5 files of all kinds"},
		"Err/folders": {bounds{files: 3, entries: 9, folders: 3, depth: 3}, "more than 3 others"},
		"Err/depth":   {bounds{files: 3, entries: 9, folders: 4, depth: 2}, "2 levels deep: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.MkdirAll(filepath.Join(dir, "a/b/c"), 0o700); err != nil {
				t.Fatal(err)
			}
			for i, path := range []string{"1.yml", "a/2.yml", "a/b/c/3.yml"} {
				write(t, filepath.Join(dir, path), fmt.Sprintf("http: {services: {s%d: {loadBalancer: {servers: [{url: 'http://127.0.0.1:1'}]}}}}\n",
					i))
			}
			d := open(t, Options{Files: []string{dir}, limits: &tt.limits}).Dynamic()
			if tt.want == "" {
				if len(d.Problems) > 0 || len(d.Services) != 3 {
					t.Errorf("got %d services, problems %v; want 3", len(d.Services), d.Problems)
				}
				return
			}
			if len(d.Problems) != 1 || d.Problems[0].File != dir || !strings.Contains(d.Problems[0].Message, tt.want) ||
				d.Problems[0].Fix == "" || len(d.Services) != 2 {
				t.Errorf("got %d services, problems %v; want 2, one that says %q", len(d.Services), d.Problems, tt.want)
			}
		})
	}
}

// What would cost more than it may is refused by name; what was good stays.
func TestCostlyFiles(t *testing.T) {
	t.Parallel()
	doubling := "A0=xxxxxxxxxxxxxxxx\n"
	for i := 1; i < 40; i++ {
		doubling += fmt.Sprintf("A%d=${A%d}${A%d}\n", i, i-1, i-1)
	}
	good := "services:\n  web:\n    image: x\n    ports: ['3000']\n    labels:\n      - traefik.http.routers.r.rule=Host(`%s.localhost`)\n"
	traefik := "  traefik:\n    image: traefik\n    command: [--ping]\n"
	for name, tt := range map[string]struct {
		more, env, want string
	}{
		"nested flow": {"x-a: " + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + "\n", "", "nested deeper than 100 levels"},
		"nested slow": {"  b: !override {labels: [a=b]}\nx-a: " + strings.Repeat("[", 900) + strings.Repeat("]", 900) + "\n", "",
			"nested deeper than 100 levels"},
		"nested defaults":  {"      - x=" + strings.Repeat("${A:-", 9000) + strings.Repeat("}", 9000) + "\n", "", "nested deeper than 20 levels"},
		"many variables":   {"      - x=" + strings.Repeat("$A", 20_000) + "\n", "A=x\n", "more than 10000 variables"},
		"long variables":   {"      - x=" + strings.Repeat("$A", 5000) + "\n", "A=" + strings.Repeat("x", 1000) + "\n", "more than 1 MiB"},
		"doubling":         {"", doubling, "more than 1 MiB"},
		"doubling itself":  {"", "A=xxxx\n" + strings.Repeat("A=$A$A\n", 60), "more than 1 MiB"},
		"ports":            {"  b:\n    ports: [" + strings.Repeat("'1-65535',", 400) + "]\n", "", "more than 65536 ports"},
		"ports, long form": {"  b:\n    ports: [" + strings.Repeat("{target: 1, published: 1-65535},", 400) + "]\n", "", "more than 65536 ports"},
		"ports, tagged":    {"  b: !override\n    ports: [" + strings.Repeat("'1-65535',", 400) + "]\n", "", "more than 65536 ports"},
		"label file":       {"    label_file: labels\n", "", "more than 1 MiB"},
		"env file":         {traefik + "    env_file: labels\n", "", "more than 1 MiB"},
		"flag": {strings.Replace(traefik, "--ping", "--ping,'--providers.docker.defaultRule="+strings.Repeat("x", 70_000)+"'", 1),
			"", "longer than 65536 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := tempFile(t, fmt.Sprintf(good, "a"))
			write(t, filepath.Join(filepath.Dir(path), "labels"), doubling)
			r := run(t, Options{Files: []string{path}, EnvLookup: none})
			if tt.env != "" {
				write(t, filepath.Join(filepath.Dir(path), ".env"), tt.env)
			}
			write(t, path, fmt.Sprintf(good, "b")+tt.more)
			p := r.untilProblem(t, tt.want)
			if p.File == "" {
				t.Errorf("problem: %+v names no file", p)
			}
			write(t, filepath.Join(filepath.Dir(path), ".env"), "A=x\n")
			write(t, path, fmt.Sprintf(good, "c"))
			r.untilRule(t, "r", "c.localhost")
			if r.Problems() != nil {
				t.Errorf("problems: got %v, want none", r.Problems())
			}
		})
	}
}

// A template without end leaves its own last good version in force, and the other
// files to themselves.
func TestEndlessTemplate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put := func(name, host, more string) {
		write(t, filepath.Join(dir, name+".yml"), fmt.Sprintf("http:\n  routers: {%s: {rule: 'Host(`%s`)', service: %s}}\n"+
			"  services: {%s: {loadBalancer: {servers: [{url: 'http://127.0.0.1:1'}]}}}\n%s", name, host, name, name, more))
	}
	put("a", "a.localhost", "")
	put("b", "b.localhost", "")
	r := run(t, Options{Files: []string{dir}})
	for i, endless := range []string{"{{ range 9223372036854775807 }}{{ end }}\n",
		"{{ define \"x\" }}{{ template \"x\" }}{{ end }}{{ template \"x\" }}\n", "{{ replace \"\" (repeat 9999 \"x\") (repeat 9999 \"x\") }}\n"} {
		put("a", "changed.localhost", endless)
		p := r.untilProblem(t, "the template cannot be run")
		if p.File != filepath.Join(dir, "a.yml") || p.Line != 4 && i != 1 {
			t.Errorf("problem: got %s:%d, want line 4 of a.yml", p.File, p.Line)
		}
		if got := rules(r.Dynamic())["a"]; got != "Host(`a.localhost`)" {
			t.Errorf("rule of a: got %s, want the last good one", got)
		}
		host := fmt.Sprintf("b%d.localhost", i)
		put("b", host, "")
		r.untilRule(t, "b", host)
		put("a", "a.localhost", "{{/* fixed */}}")
		r.until(t, "no problem", func(d *config.Dynamic) bool { return len(d.Problems) == 0 })
	}
}
