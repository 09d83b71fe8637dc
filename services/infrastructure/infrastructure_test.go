package infrastructure_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"axion/services/bus"
	"axion/services/contract"
	"axion/services/host/hosttest"
)

func TestProvision(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.start()
	at := r.provision("p1", "d1", "tea", "index.html", "<h1>Tea</h1>", "404.html", "lost", "css/a.css", "a{}", "notes/index.html", "n")
	t.Run("OK/serve", func(t *testing.T) { testServe(t, r, at) })
	t.Run("ErrEscape", func(t *testing.T) { testEscape(t, r, at) })
	t.Run("OK/fragment", func(t *testing.T) { testFragment(t, r, at) })
	t.Run("OK/again", func(t *testing.T) {
		name := filepath.Join(r.fragments, "app-tea.yaml")
		before, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if again := r.provision("p1", "d1", "tea", "index.html", "not looked at"); again != at {
			t.Errorf("address: got %s, want %s", again, at)
		}
		r.want(at, "/", 200, "<h1>Tea</h1>")
		if after, err := os.Stat(name); err != nil || !os.SameFile(before, after) {
			t.Errorf("the fragment was written again (%v)", err)
		}
		// A repeat finishes what the first call could not.
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
		r.provision("p1", "d1", "tea", "index.html", "not looked at")
		if _, err := os.Stat(name); err != nil {
			t.Errorf("the fragment is missing: %v", err)
		}
	})
	t.Run("OK/redeploy", func(t *testing.T) {
		if next := r.provision("p1", "d2", "tea", "public/index.html", "new", "server.ts", "code"); next != at {
			t.Errorf("address: got %s, want the same port %s", next, at)
		}
		r.want(at, "/", 200, "new")
		r.want(at, "/css/a.css", 404, "404 page not found\n")
		r.want(at, "/server.ts", 404, "404 page not found\n") // outside public
		r.wantFiles("app-tea.yaml", "sites/p1/d2/public/index.html", "sites/p1/d2/server.ts")
	})
	t.Run("OK/rename", func(t *testing.T) {
		r.provision("p1", "d3", "coffee", "index.html", "c")
		r.wantFiles("app-coffee.yaml", "sites/p1/d3/index.html")
	})
	t.Run("OK/deprovisionOther", func(t *testing.T) {
		if r.deprovisionOnly("p1", "d2") {
			t.Error("removed, though another deployment runs")
		}
		r.want(at, "/", 200, "c")
	})
	t.Run("OK/deprovision", func(t *testing.T) {
		if !r.deprovision("p1") {
			t.Error("not removed")
		}
		r.wantFiles()
		if !refused(at) {
			t.Error("the site still answers")
		}
		if r.deprovision("p1") || r.deprovision("never-was") {
			t.Error("nothing, removed")
		}
	})
}

func testFragment(t *testing.T, r *rig, at string) {
	got, err := os.ReadFile(filepath.Join(r.fragments, "app-tea.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	golden, err := os.ReadFile("testdata/fragment.golden")
	if err != nil {
		t.Fatal(err)
	}
	port := at[strings.LastIndex(at, ":")+1:]
	if want := strings.ReplaceAll(string(golden), "PORT", port); string(got) != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	if info, err := os.Stat(filepath.Join(r.fragments, "app-tea.yaml")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode: %v (%v)", info.Mode(), err)
	}
}

func testEscape(t *testing.T, r *rig, at string) {
	root := filepath.Join(r.dir, "services", contract.Infrastructure, "sites", "p1", "d1")
	secret := filepath.Join(r.dir, "secret.txt")
	if err := errors.Join(os.WriteFile(secret, []byte("secret"), 0o600), os.Symlink(secret, filepath.Join(root, "link.txt")),
		os.Symlink(r.dir, filepath.Join(root, "out"))); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{
		"/../../../../../secret.txt", "/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/secret.txt", "/..%2f..%2f..%2f..%2f..%2fsecret.txt",
		"/css/..%5c..%5csecret.txt", "/link.txt", "/out/secret.txt", "/%00", "//secret.txt",
	} {
		if reply := hosttest.Do(t, "GET", at+path, ""); reply.Status == 200 || strings.Contains(reply.Body, "secret") {
			t.Errorf("%s: got %d %q", path, reply.Status, reply.Body)
		}
	}
}

func testServe(t *testing.T, r *rig, at string) {
	reply := r.want(at, "/", 200, "<h1>Tea</h1>")
	if reply.Header.Get("Content-Type") != "text/html; charset=utf-8" || reply.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("headers: %v", reply.Header)
	}
	if got := r.want(at, "/css/a.css", 200, "a{}").Header.Get("Content-Type"); !strings.HasPrefix(got, "text/css") {
		t.Errorf("type of the style sheet: %q", got)
	}
	r.want(at, "/notes/", 200, "n")
	if got := r.want(at, "/nothing", 404, "lost").Header.Get("Content-Type"); got != "text/html; charset=utf-8" {
		t.Errorf("type of the 404 page: %q", got)
	}
	r.want(at, "/css/", 404, "lost") // no listing
	if reply := hosttest.Do(t, "HEAD", at+"/", ""); reply.Status != 200 || reply.Body != "" {
		t.Errorf("HEAD: got %d %q", reply.Status, reply.Body)
	}
	for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS"} {
		if reply := hosttest.Do(t, method, at+"/", ""); reply.Status != 405 || reply.Header.Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: got %d, allow %q", method, reply.Status, reply.Header.Get("Allow"))
		}
	}
}

func TestProvisionRefuses(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.start()
	good := contract.ProvisionRequest{ProjectID: "p", DeploymentID: "d", Slug: "s", Files: site("index.html", "x")}
	for name, tt := range map[string]struct {
		change func(*contract.ProvisionRequest)
		want   string
	}{
		"ErrSlugEmpty":   {func(q *contract.ProvisionRequest) { q.Slug = "" }, `slug ""`},
		"ErrSlugCase":    {func(q *contract.ProvisionRequest) { q.Slug = "Tea" }, `slug "Tea"`},
		"ErrSlugRule":    {func(q *contract.ProvisionRequest) { q.Slug = "a`)||Host(`b" }, "slug"},
		"ErrSlugPath":    {func(q *contract.ProvisionRequest) { q.Slug = "../x" }, "slug"},
		"ErrSlugDash":    {func(q *contract.ProvisionRequest) { q.Slug = "-a" }, "slug"},
		"ErrSlugLong":    {func(q *contract.ProvisionRequest) { q.Slug = strings.Repeat("a", 64) }, "slug"},
		"ErrSlugLine":    {func(q *contract.ProvisionRequest) { q.Slug = "a\n" }, "slug"},
		"ErrProject":     {func(q *contract.ProvisionRequest) { q.ProjectID = "../p" }, "projectId"},
		"ErrDeployment":  {func(q *contract.ProvisionRequest) { q.DeploymentID = ".." }, "deploymentId"},
		"ErrProjectNode": {func(q *contract.ProvisionRequest) { q.ProjectID = "node_modules" }, "not node_modules"},
		"ErrDeployNode":  {func(q *contract.ProvisionRequest) { q.DeploymentID = "Node_Modules" }, "not node_modules"},
		"ErrPathUp": {func(q *contract.ProvisionRequest) { q.Files = append(q.Files, site("../x", "")...) },
			`file "../x": must be a relative path`},
		"ErrPathNUL":      {func(q *contract.ProvisionRequest) { q.Files = append(q.Files, site("a\x00b", "")...) }, "must be a relative path"},
		"ErrPathInside":   {func(q *contract.ProvisionRequest) { q.Files = append(q.Files, site("a/../../x", "")...) }, "stays inside"},
		"ErrPathAbsolute": {func(q *contract.ProvisionRequest) { q.Files = append(q.Files, site("/etc/x", "")...) }, "stays inside"},
		"ErrPathDot":      {func(q *contract.ProvisionRequest) { q.Files = append(q.Files, site(".", "")...) }, "stays inside"},
		"ErrPathEmpty":    {func(q *contract.ProvisionRequest) { q.Files = append(q.Files, site("", "")...) }, "stays inside"},
		"ErrPathTwice":    {func(q *contract.ProvisionRequest) { q.Files = append(q.Files, site("index.html", "")...) }, "is there twice"},
		"ErrPathFolder":   {func(q *contract.ProvisionRequest) { q.Files = append(q.Files, site("a/b", "", "a", "")...) }, `file "a"`},
		"ErrPathInFile": {func(q *contract.ProvisionRequest) { q.Files = append(q.Files, site("index.html/b", "")...) },
			`lies in "index.html"`},
		"ErrPathLong": {func(q *contract.ProvisionRequest) { q.Files = append(q.Files, site(strings.Repeat("a", 256), "")...) },
			"longer than 255"},
		"ErrNoIndex": {func(q *contract.ProvisionRequest) { q.Files = site("a.html", "") }, "nothing to serve"},
		"ErrRuntime": {func(q *contract.ProvisionRequest) { q.Run.Runtime = "vm" }, `run.runtime "vm": there are static and process`},
		"ErrCommand": {func(q *contract.ProvisionRequest) { q.Run = contract.Run{Runtime: "process"} }, "run.command: is missing"},
		"ErrCommandLong": {func(q *contract.ProvisionRequest) {
			q.Run = contract.Run{Runtime: "process", Command: []string{"x", strings.Repeat("a", 8<<10)}}
		}, "run.command: must be at most 8192 bytes"},
		"ErrBuild": {func(q *contract.ProvisionRequest) {
			q.Run = contract.Run{Runtime: "process", Command: []string{"x"}, Build: [][]string{{"y"}, {}}}
		}, "run.build[1]: is missing"},
		"ErrBuildMany": {func(q *contract.ProvisionRequest) {
			q.Run = contract.Run{Runtime: "process", Command: []string{"x"}, Build: make([][]string, 11)}
		}, "run.build: 11 commands are more than 10"},
		"ErrDirectory": {func(q *contract.ProvisionRequest) {
			q.Run = contract.Run{Runtime: "process", Command: []string{"x"}, Directory: "../y"}
		}, `run.directory "../y"`},
		"ErrHealth": {func(q *contract.ProvisionRequest) {
			q.Run = contract.Run{Runtime: "process", Command: []string{"x"}, Health: "http://elsewhere/"}
		}, `run.health "http://elsewhere/"`},
		"ErrMany": {func(q *contract.ProvisionRequest) {
			for i := range 1001 {
				q.Files = append(q.Files, site(fmt.Sprint(i), "")...)
			}
		}, "more than 1000"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			req := good
			req.Files = slices.Clone(good.Files)
			tt.change(&req)
			err := r.ask(contract.Provision, req, nil)
			var remote *bus.RemoteError
			if !errors.As(err, &remote) || !strings.Contains(remote.Message, tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if got := files(t, r.fragments); len(got) != 0 {
				t.Errorf("left behind: %q", got)
			}
		})
	}
}

func TestSlugTaken(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.start()
	first := r.provision("p1", "d1", "tea", "index.html", "first")
	err := r.ask(contract.Provision,
		contract.ProvisionRequest{ProjectID: "p2", DeploymentID: "d2", Slug: "tea", Files: site("index.html", "second")}, nil)
	var remote *bus.RemoteError
	if !errors.As(err, &remote) || remote.Message != "the name tea.apps.localhost is taken by another project" {
		t.Errorf("got %v, want that the name is taken", err)
	}
	r.want(first, "/", 200, "first")
	r.deprovision("p1")
	second := r.provision("p2", "d2", "tea", "index.html", "second")
	r.want(second, "/", 200, "second")
}

func TestRouted(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var asked string
	var bounded bool
	answer := errors.New("a detail of the gateway's")
	r.routed = func(ctx context.Context, host string) error {
		asked = host
		_, bounded = ctx.Deadline()
		if _, err := os.Stat(filepath.Join(r.fragments, "app-tea.yaml")); err != nil {
			t.Errorf("asked before the fragment was there: %v", err)
		}
		return answer
	}
	r.start()
	err := r.ask(contract.Provision, contract.ProvisionRequest{ProjectID: "p", DeploymentID: "d", Slug: "tea", Files: site("index.html", "x")},
		nil)
	var remote *bus.RemoteError
	if !errors.As(err, &remote) || remote.Message != "the gateway did not route tea.apps.localhost in time" {
		t.Errorf("got %v, want that there is no route", err)
	}
	if asked != "tea.apps.localhost" || !bounded {
		t.Errorf("asked for %q, bounded in time: %t", asked, bounded)
	}
	answer = nil
	r.want(r.provision("p", "d", "tea", "index.html", "x"), "/", 200, "x")
}

func TestRestart(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.start()
	a := r.provision("a", "d1", "one", "index.html", "a")
	b := r.provision("b", "d1", "two", "index.html", "b")
	c := r.provision("c", "d1", "three", "index.html", "c")
	r.Stop()
	for _, at := range []string{a, b, c} {
		if !refused(at) {
			t.Errorf("%s answers after Stop", at)
		}
	}
	sites := filepath.Join(r.dir, "services", contract.Infrastructure, "sites")
	// b's port is taken meanwhile, c's files are lost, and a crash left things.
	taken, err := net.Listen("tcp", strings.TrimPrefix(b, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	for _, dir := range []string{"gone/d1", "a/d0", "a/.new-1"} {
		if err := errors.Join(os.MkdirAll(filepath.Join(sites, dir), 0o700),
			os.WriteFile(filepath.Join(sites, dir, "x"), nil, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.RemoveAll(filepath.Join(sites, "c")), os.WriteFile(filepath.Join(r.fragments, "app-gone.yaml"), nil, 0o600),
		os.WriteFile(filepath.Join(r.fragments, "app-one.yaml.tmp"), nil, 0o600),
		os.WriteFile(filepath.Join(r.fragments, "mine.yaml"), nil, 0o600),
		os.Remove(filepath.Join(r.fragments, "app-one.yaml"))); err != nil {
		t.Fatal(err)
	}
	r.start()
	r.wantFiles("app-one.yaml", "app-two.yaml", "mine.yaml", "sites/a/d1/index.html", "sites/b/d1/index.html")
	r.want(a, "/", 200, "a")
	moved := r.provision("b", "d1", "two", "index.html", "not looked at")
	r.want(moved, "/", 200, "b")
	if moved == b {
		t.Errorf("b is said to be at %s, which is taken", b)
	}
	text, err := os.ReadFile(filepath.Join(r.fragments, "app-two.yaml"))
	if port := moved[strings.LastIndex(moved, ":")+1:]; err != nil || !strings.Contains(string(text), `server.port: "`+port+`"`) {
		t.Errorf("the fragment does not follow to %s (%v):\n%s", moved, err, text)
	}
	again := r.provision("c", "d1", "three", "index.html", "c again")
	if r.want(again, "/", 200, "c again"); again != c {
		t.Errorf("c is at %s now, want its old port, which is free: %s", again, c)
	}
}

// TestStopFinishes stops the service while a request is under way.
func TestStopFinishes(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	begun, end := make(chan struct{}), make(chan struct{})
	r.routed = func(context.Context, string) error { close(begun); <-end; return nil }
	r.start()
	asked := make(chan error, 1)
	go func() {
		asked <- r.ask(contract.Provision,
			contract.ProvisionRequest{ProjectID: "p", DeploymentID: "d", Slug: "s", Files: site("index.html", "x")}, nil)
	}()
	<-begun
	stopped := make(chan struct{})
	go func() { defer close(stopped); r.Stop() }()
	for start := time.Now(); !refused(r.Addr().String()); { // Stop has begun
		if time.Since(start) > hosttest.Deadline {
			t.Fatal("not stopping")
		}
	}
	close(end)
	<-stopped
	if err := <-asked; err != nil {
		t.Errorf("the request under way: %v", err)
	}
}
