package provider

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"axion/gateway/config"
)

// writePieces writes a file byte by byte.
func writePieces(t *testing.T, path, content string) {
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for i := range content {
		if _, err := f.WriteString(content[i : i+1]); err != nil {
			t.Fatal(err)
		}
	}
}

// replaceLink makes the file a link to a new one elsewhere.
func replaceLink(t *testing.T, path, content string) {
	target := filepath.Join(t.TempDir(), "elsewhere.yaml")
	write(t, target, content)
	if err := os.Symlink(target, path+"~"); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+"~", path); err != nil {
		t.Fatal(err)
	}
}

// TestRunSaves saves a file in each way that editors and tools do, five times
// over, and demands that its route never goes away meanwhile. Only who writes in
// pieces may be taken at half, if the machine stops between them.
func TestRunSaves(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		save func(t *testing.T, path, content string)
	}{
		{"OKTruncateAndWrite", write},
		{"OKRenameOver", replace},
		{"OKDeleteAndCreate", func(t *testing.T, path, content string) {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			write(t, path, content)
		}},
		{"OKBackupAndCreate", func(t *testing.T, path, content string) {
			if err := os.Rename(path, path+".bak"); err != nil {
				t.Fatal(err)
			}
			write(t, path, content)
		}},
		{"OKInPieces", writePieces},
		{"OKReplacedLink", replaceLink},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := tempFile(t, web("a"))
			r := run(t, Options{Files: []string{path}})
			for _, host := range []string{"b", "c", "d", "e", "f"} {
				tt.save(t, path, web(host))
				r.untilRule(t, "r", host)
			}
			for _, d := range r.seen {
				if len(d.Routers) != 1 && tt.name != "OKInPieces" {
					t.Errorf("got rules %v on the way, want the route at all times", rules(d))
				}
			}
		})
	}
}

func TestRunLinks(t *testing.T) {
	t.Parallel()
	t.Run("OKTargetIsSaved", func(t *testing.T) {
		t.Parallel()
		target, link := tempFile(t, web("a")), filepath.Join(t.TempDir(), "link.yaml")
		if err := os.Symlink(target, link); err != nil {
			t.Fatal(err)
		}
		r := run(t, Options{Files: []string{link}})
		replace(t, target, web("b"))
		r.untilRule(t, "r", "b")
		write(t, target, web("c"))
		r.untilRule(t, "r", "c")
	})
	t.Run("OKDirectoryIsReplaced", func(t *testing.T) {
		t.Parallel()
		dir := filepath.Join(t.TempDir(), "project")
		path := filepath.Join(dir, "compose.yaml")
		make := func(host string) {
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			write(t, path, web(host))
		}
		make("a")
		r := run(t, Options{Files: []string{path}})
		if err := os.Rename(dir, dir+".old"); err != nil {
			t.Fatal(err)
		}
		make("b")
		r.untilRule(t, "r", "b")
	})
}

// TestRunKubernetes swaps a link in the middle of the path, as config maps do.
func TestRunKubernetes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	version := func(name, host string) {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, name, "compose.yaml"), web(host))
		if err := os.Symlink(name, filepath.Join(dir, "..data~")); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(dir, "..data~"), filepath.Join(dir, "..data")); err != nil {
			t.Fatal(err)
		}
	}
	version("..1", "a")
	path := filepath.Join(dir, "compose.yaml")
	if err := os.Symlink(filepath.Join("..data", "compose.yaml"), path); err != nil {
		t.Fatal(err)
	}
	r := run(t, Options{Files: []string{path}})
	version("..2", "b")
	r.untilRule(t, "r", "b")
}

func TestRunAfterChange(t *testing.T) {
	t.Parallel()
	path := tempFile(t, web("a"))
	first := open(t, Options{Files: []string{path}})
	write(t, path, web("b")) // before anything watches
	ctx, cancel := context.WithCancel(t.Context())
	var got map[string]string
	if err := first.Run(ctx, func(d *config.Dynamic) { got = rules(d); cancel() }); err != nil || got["r"] != "Host(`b`)" {
		t.Errorf("got %v, %v; want the change made between New and Run", got, err)
	}
}

func TestRunDotEnv(t *testing.T) {
	t.Parallel()
	path := tempFile(t, web("${HOST:-a}"))
	r := run(t, Options{Files: []string{path}})
	write(t, filepath.Join(filepath.Dir(path), ".env"), "HOST=b\n")
	r.untilRule(t, "r", "b")
}

// TestRunRefuses saves bad versions of one file while another goes on.
func TestRunRefuses(t *testing.T) {
	t.Parallel()
	more := "  more:\n    labels:\n      - traefik.http.routers.more.rule=Path(`/`)\n      - "
	for _, tt := range []struct {
		name, content, want string
		line                int
		service, label      string
	}{
		{"ErrMalformed", web("b") + "  more: [\n", "the YAML is malformed", 7, "", ""},
		{"ErrUnknownLabel", web("b") + more + "traefik.http.services.more.loadbalancer.server.prot=80\n", "no such label", 9, "more",
			"traefik.http.services.more.loadbalancer.server.prot"},
		{"ErrRule", strings.ReplaceAll(web("b"), "Host(`b`)", "Host('b')"), "single quotes", 4, "web", "traefik.http.routers.r.rule"},
		{"ErrNoPort", web("b") + more + "traefik.enable=true\n", "port is missing", 8, "more", ""},
		{"ErrConflict", web("b") + more +
			"traefik.http.routers.r.rule=Path(`/`)\n      - traefik.http.services.more.loadbalancer.server.port=1\n", "defines it differently", 4,
			"web", ""},
		{"ErrPlugin", web("b") + "      - traefik.http.routers.r.middlewares=auth\n      - traefik.http.middlewares.auth.plugin.x.y=z\n",
			"which is not supported", 4, "web", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path, dir := tempFile(t, web("a")), t.TempDir()
			other := filepath.Join(dir, "other.yaml")
			write(t, other, app("other", "other", "a", 1))
			r := run(t, Options{Files: []string{path}, Dir: dir})
			replace(t, path, tt.content)
			p := r.untilProblem(t, tt.want)
			if p.Severity != config.Error || p.File != path || p.Service != tt.service || p.Label != tt.label || p.Line != tt.line {
				t.Errorf("got %+v, want an error at line %d of service %q, label %q", p, tt.line, tt.service, tt.label)
			}
			replace(t, other, app("other", "other", "b", 1))
			r.untilRule(t, "other", "b")
			for _, d := range r.seen {
				if got := rules(d)["r"]; got != "Host(`a`)" {
					t.Errorf("got %q on the way, want the last good version to stay in force", got)
				}
			}
			if got := r.log.count("labels refused"); got < 1 || got > 2 {
				t.Errorf("got %d log lines, want one for each problem of the save", got)
			}
			replace(t, path, web("c"))
			r.untilRule(t, "r", "c")
			if got := r.Problems(); len(got) != 0 {
				t.Errorf("got problems %v, want none once fixed", got)
			}
		})
	}
}

func TestRunEmptyAndGone(t *testing.T) {
	t.Parallel()
	path := tempFile(t, web("a"))
	r := run(t, Options{Files: []string{path}})
	write(t, path, "")
	r.untilProblem(t, "the file is empty")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	r.untilProblem(t, "the file is gone")
	for _, d := range r.seen {
		if got := rules(d)["r"]; got != "Host(`a`)" {
			t.Errorf("got %q, want the last good version to stay in force", got)
		}
	}
	write(t, path, web("b"))
	r.untilRule(t, "r", "b")
}

func TestRunFragments(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := run(t, Options{Files: []string{tempFile(t, web("a"))}, Dir: dir})
	one, two := filepath.Join(dir, "one.yaml"), filepath.Join(dir, "two.yml")
	replace(t, one, app("one", "one", "one", 1))
	r.untilRule(t, "one", "one")
	replace(t, two, "services:\n  two:\n    labels:\n      traefik.http.routers.two.rule: Hots(`x`)\n")
	r.untilProblem(t, "Hots is not a matcher")
	if got := r.Problems()[0].File; got != two {
		t.Errorf("got a problem of %s, want %s", got, two)
	}
	replace(t, two, app("two", "two", "two", 2))
	r.untilRule(t, "two", "two")
	if err := os.Remove(one); err != nil {
		t.Fatal(err)
	}
	r.untilRule(t, "one", "")
	if got := rules(r.Dynamic()); got["two"] == "" || got["r"] == "" {
		t.Errorf("got %v, want the other routes to stay", got)
	}
	// A fragment may take the place of a service below, and give it back.
	replace(t, one, app("web", "r", "fragment", 1))
	r.untilRule(t, "r", "fragment")
	if err := os.Remove(one); err != nil {
		t.Fatal(err)
	}
	r.untilRule(t, "r", "a")
}

func TestRunFragmentDirectoryGone(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "fragments")
	r := run(t, Options{Files: []string{tempFile(t, web("a"))}, Dir: dir})
	write(t, filepath.Join(dir, "one.yaml"), app("one", "one", "one", 1))
	r.untilRule(t, "one", "one")
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	r.untilRule(t, "one", "")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "two.yaml"), app("two", "two", "two", 1))
	r.untilRule(t, "two", "two")
}

// TestRunConflict shows that a new fragment cannot take a running route down,
// and that it comes to count once what it collided with is gone.
func TestRunConflict(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	one, two := filepath.Join(dir, "one.yaml"), filepath.Join(dir, "two.yaml")
	write(t, one, app("one", "r", "one", 1))
	r := run(t, Options{Dir: dir})
	replace(t, two, app("two", "r", "two", 2))
	r.untilProblem(t, "defines it differently")
	if got := rules(r.Dynamic())["r"]; got != "Host(`one`)" {
		t.Errorf("got %q, want the running route to stay", got)
	}
	if err := os.Remove(one); err != nil {
		t.Fatal(err)
	}
	r.untilRule(t, "r", "two")
	if got := r.Problems(); len(got) != 0 {
		t.Errorf("got problems %v, want none", got)
	}
}

// TestRunBreaksAnother shows that no save takes down what another file has in
// force, though the file saved is fault enough only for those that refer to it.
func TestRunBreaksAnother(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := tempFile(t, web("a")+"      - traefik.http.routers.r.middlewares=auth\n")
	auth := func(label string) string {
		return "services:\n  auth:\n    labels: [\"traefik.http.middlewares.auth." + label + "\"]\n"
	}
	write(t, filepath.Join(dir, "auth.yaml"), auth("headers.framedeny=true"))
	r := run(t, Options{Files: []string{path}, Dir: dir})
	replace(t, filepath.Join(dir, "auth.yaml"), auth("plugin.x.y=z"))
	r.untilProblem(t, "which is not supported")
	if d := r.Dynamic(); rules(d)["r"] == "" || d.Middlewares["auth@docker"] == nil {
		t.Errorf("got rules %v, want the route and its middleware to stay", rules(d))
	}
	replace(t, filepath.Join(dir, "auth.yaml"), auth("headers.framedeny=false"))
	r.until(t, "no problem", func(d *config.Dynamic) bool { return len(d.Problems) == 0 })
}

func TestRunBurst(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := run(t, Options{Dir: dir})
	for i := range 100 {
		name := "s" + string(rune('a'+i%10))
		replace(t, filepath.Join(dir, name+".yaml"), app(name, name, strings.Repeat("x", 1+i/10), 1))
	}
	r.until(t, "all of the last versions", func(d *config.Dynamic) bool {
		for _, rule := range rules(d) {
			if rule != "Host(`xxxxxxxxxx`)" {
				return false
			}
		}
		return len(d.Routers) == 10
	})
}
