package provider

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"axion/gateway/config"
	"axion/gateway/label"
	"axion/gateway/provider/merge"
)

// routing is a dynamic file with one router for host, of a service with a server.
func routing(router, host string) string {
	return "http:\n  routers:\n    " + router + ":\n      rule: Host(`" + host + "`)\n      service: " + router +
		"\n  services:\n    " + router + ":\n      loadBalancer:\n        servers: [{url: http://127.0.0.1:1}]\n"
}

func TestRunDynamic(t *testing.T) {
	t.Parallel()
	file, dir := filepath.Join(t.TempDir(), "routes.yml"), t.TempDir()
	write(t, file, routing("one", "one"))
	write(t, filepath.Join(dir, "two.toml"), "[http.routers.two]\nrule = \"Host(`two`)\"\nservice = \"one\"\n")
	r := run(t, Options{Files: []string{file, dir, tempFile(t, web("a")+"      - traefik.http.routers.r.middlewares=m@file\n")}})
	d := r.Dynamic()
	if got := d.Routers["two@file"]; got == nil || got.Service != "one@file" || d.Routers["r@docker"].Middlewares[0] != "m@file" {
		t.Fatalf("got routers %v, want all of them, with references to the file provider", d.Routers)
	}
	if o := d.Routers["one@file"].Origin; o.File != file || o.Line != 3 || o.Layer != merge.FileLayer || o.Provider != "file" {
		t.Errorf("got origin %+v, want line 3 of the file", o)
	}
	replace(t, file, routing("one", "new"))
	r.untilRule(t, "one", "new")
	replace(t, file, strings.Replace(routing("one", "bad"), "rule:", "rulle:", 1))
	if p := r.untilProblem(t, "rulle"); p.File != file || p.Line != 4 || p.Severity != config.Error {
		t.Errorf("got %+v, want line 4 of the file", p)
	}
	if got := rules(r.Dynamic())["one"]; got != "Host(`new`)" {
		t.Errorf("got %q, want the last good version", got)
	}
	replace(t, file, routing("one", "fixed"))
	r.untilRule(t, "one", "fixed")
	sub := filepath.Join(dir, "sub")
	if err := os.Mkdir(sub, 0o700); err != nil {
		t.Fatal(err)
	}
	replace(t, filepath.Join(sub, "three.json"), "{\"http\": {\"routers\": {\"three\": {\"rule\": \"Host(`three`)\", \"service\": \"one\"}}}}")
	r.untilRule(t, "three", "three")
	if err := os.Remove(filepath.Join(dir, "two.toml")); err != nil {
		t.Fatal(err)
	}
	r.untilRule(t, "two", "")
	if err := os.RemoveAll(sub); err != nil {
		t.Fatal(err)
	}
	r.untilRule(t, "three", "")
}

// traefik is a project that runs Traefik with these flags.
func traefik(flags ...string) string {
	return "services:\n  proxy:\n    image: traefik:v3\n    command:\n      - " + strings.Join(flags, "\n      - ") +
		"\n    volumes: [\"./etc:/etc/traefik:ro\"]\n  web:\n    labels: [\"tier=web\"]\n    expose: [80]\n"
}

func TestRunTraefik(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "shop")
	path, etc := filepath.Join(dir, "compose.yaml"), filepath.Join(dir, "etc", "dynamic")
	if err := os.MkdirAll(etc, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, path, traefik("--entrypoints.web.address=:80", "--providers.docker.exposedbydefault=false",
		"--providers.file.directory=/etc/traefik/dynamic"))
	write(t, filepath.Join(etc, "one.yaml"), routing("one", "one"))
	r := run(t, Options{Files: []string{path}})
	d := r.Dynamic()
	if len(d.Routers) != 1 || d.Routers["one@file"] == nil || d.Static.EntryPoints["web"] == nil ||
		d.Static.EntryPoints["web"].Address != ":80" {
		t.Fatalf("got rules %v, static %+v, problems %v; want the file's router", rules(d), d.Static, d.Problems)
	}
	if o := d.Static.EntryPoints["web"].Origin; o.Line != 5 || o.File != path {
		t.Errorf("got origin %+v, want the flag's line", o)
	}
	replace(t, filepath.Join(etc, "two.yaml"), routing("two", "two"))
	r.untilRule(t, "two", "two")
	// A single file, a default rule and a constraint in place of the directory.
	replace(t, path, strings.ReplaceAll(traefik("--providers.file.filename=/etc/traefik/dynamic/two.yaml",
		"\"--providers.docker.defaultRule=Host(`{{ normalize .Name }}.x`)\"", "\"--providers.docker.constraints=Label(`tier`,`web`)\""),
		"[\"tier=web\"]", "[\"tier=web\", \"traefik.enable=true\"]"))
	r.until(t, "the default rule", func(d *config.Dynamic) bool {
		return rules(d)["web-shop"] == "Host(`web-shop.x`)" && len(d.Routers) == 2
	})
	data, _ := os.ReadFile(path)
	replace(t, path, strings.ReplaceAll(string(data), "`web`)", "`db`)"))
	r.untilRule(t, "web-shop", "")
	// Traefik's own file takes the place of the flags, and is watched.
	replace(t, filepath.Join(dir, "etc", "traefik.yml"), "entryPoints:\n  web: {address: \":81\"}\n")
	r.until(t, "the static file", func(d *config.Dynamic) bool {
		return d.Static.EntryPoints["web"] != nil && d.Static.EntryPoints["web"].Address == ":81" && d.Routers["two@file"] == nil
	})
	replace(t, filepath.Join(dir, "etc", "traefik.yml"), "entryPoints:\n  web: {address: \":82\"}\n")
	r.until(t, "the static file, again", func(d *config.Dynamic) bool { return d.Static.EntryPoints["web"].Address == ":82" })
}

// engine is a container engine that a test speaks for.
type engine chan []label.Service

func (e engine) Run(ctx context.Context, changed func([]label.Service)) error {
	for {
		select {
		case list, ok := <-e:
			if !ok {
				return errors.New("no engine")
			}
			changed(list)
		case <-ctx.Done():
			return nil
		}
	}
}

func container(project, name, host, rule string) label.Service {
	return label.Service{Name: name, Project: project, File: "docker", Host: host,
		Labels: map[string]string{"traefik.http.routers.r.rule": rule, "traefik.http.services.r.loadbalancer.server.port": "80"}}
}

func TestRunContainers(t *testing.T) {
	t.Parallel()
	e := make(engine)
	path := tempFile(t, "name: shop\n"+web("a"))
	r := run(t, Options{Files: []string{path}, Containers: e})
	e <- []label.Service{container("shop", "web", "172.17.0.2", "Host(`c`)"), container("shop", "web", "172.17.0.3", "Host(`c`)")}
	d := r.until(t, "the containers", func(d *config.Dynamic) bool { return rules(d)["r"] == "Host(`c`)" })
	if got := servers(d, "r@docker"); !slices.Equal(got, []string{"http://172.17.0.2:80", "http://172.17.0.3:80"}) || len(d.Problems) != 0 {
		t.Errorf("got servers %v, problems %v; want both containers in place of the service", got, d.Problems)
	}
	if o := d.Routers["r@docker"].Origin; o.Layer != merge.ContainerLayer {
		t.Errorf("got origin %+v, want the containers' layer", o)
	}
	e <- []label.Service{container("other", "web", "172.17.0.9", "Host(`other`)")}
	d = r.until(t, "another project's", func(d *config.Dynamic) bool { return rules(d)["r"] == "Host(`other`)" })
	if len(d.Problems) != 2 || d.Problems[0].Severity != config.Warning {
		t.Errorf("got %v, want warnings: it does not take the place of the service, but wins", d.Problems)
	}
	e <- nil
	r.untilRule(t, "r", "a")
	e <- []label.Service{container("other", "x", "172.17.0.9", "Host(")}
	if p := r.untilProblem(t, "rule"); p.Service != "x" || rules(r.Dynamic())["r"] != "Host(`a`)" {
		t.Errorf("got %+v and rules %v, want a problem of that container alone", p, rules(r.Dynamic()))
	}
	close(e)
	replace(t, path, "name: shop\n"+web("b"))
	r.untilRule(t, "r", "b")
}

// What Traefik is set to of the engine holds for running containers too, as soon as
// the file says otherwise.
func TestRunBindPortIP(t *testing.T) {
	t.Parallel()
	e := make(engine)
	document := func(args string) string {
		return "name: shop\nservices:\n  proxy:\n    image: traefik:v3.7\n    command: [" + args + "]\n"
	}
	path := tempFile(t, document(`"--ping"`))
	r := run(t, Options{Files: []string{path}, Containers: e})
	c := container("shop", "web", "172.17.0.2", "Host(`c`)")
	c.Ports = []label.Port{{HostIP: "192.0.2.1", Published: 8080, Target: 80}}
	e <- []label.Service{c}
	at := func(url string) func(*config.Dynamic) bool {
		return func(d *config.Dynamic) bool { return slices.Equal(servers(d, "r@docker"), []string{url}) }
	}
	r.until(t, "the container's address", at("http://172.17.0.2:80"))
	replace(t, path, document(`"--providers.docker.usebindportip=true"`))
	r.until(t, "the published port", at("http://192.0.2.1:8080"))
	replace(t, path, document(`"--providers.docker.usebindportip=false"`))
	r.until(t, "the container's address again", at("http://172.17.0.2:80"))
}
