package provider

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"axion/gateway/config"
)

// TestStaticFile mounts Traefik's static file where Traefik looks for it.
func TestStaticFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, folder := range []string{"etc", "home/.config"} {
		if err := os.MkdirAll(filepath.Join(dir, folder), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for name, address := range map[string]string{"a.yml": ":81", "etc/traefik.yaml": ":82", "home/.config/traefik.yml": ":83"} {
		write(t, filepath.Join(dir, name), "entryPoints:\n  web: {address: \""+address+"\"}\n")
	}
	write(t, filepath.Join(dir, "a.txt"), "[entryPoints.web]\naddress = \":84\"\n")
	const flags = "\n    command: [--entrypoints.web.address=:80]"
	for name, tt := range map[string]struct{ traefik, more, want string }{
		"Root":           {"volumes: [./a.yml:/traefik.yml]", "", ":81"},
		"RootOverFlags":  {"volumes: [./a.yml:/traefik.yml:ro]" + flags, "", ":81"},
		"RootLong":       {"volumes: [{type: bind, source: ./a.yml, target: /traefik.yaml}]", "", ":81"},
		"TOMLByPlace":    {"volumes: [./a.txt:/traefik.toml]", "", ":84"},
		"EtcFirst":       {"volumes: [./a.yml:/traefik.yml, ./etc:/etc/traefik]", "", ":82"},
		"Home":           {"volumes: [./home:/root]", "", ":83"},
		"HomeOfUser":     {"user: '1000'\n    volumes: [./home:/root]" + flags, "", ":80"},
		"HomeOfVariable": {"user: '1000'\n    environment: {HOME: /h}\n    volumes: [./home:/h]" + flags, "", ":83"},
		"XDG":            {"environment: [XDG_CONFIG_HOME=/x]\n    volumes: [./etc:/x]", "", ":82"},
		"WorkingDir":     {"working_dir: /w\n    volumes: [./etc:/w]", "", ":82"},
		"NoWorkingDir":   {"volumes: [./etc:/w]" + flags, "", ":80"},
		"NamedRelative":  {"working_dir: /w\n    volumes: [./a.yml:/w/c.yml]\n    command: [--configFile=c.yml]", "", ":81"},
		"Config":         {"configs: [{source: c, target: /traefik.yml}]", "configs:\n  c: {file: a.yml}\n", ":81"},
		"ConfigContent": {"configs: [{source: c, target: /etc/traefik/traefik.yml}]",
			"configs:\n  c:\n    content: |\n      entryPoints:\n        web: {address: ':85'}\n", ":85"},
		"ConfigBare":     {"configs: [traefik.yml]", "configs:\n  traefik.yml:\n    content: \"entryPoints: {web: {address: ':86'}}\"\n", ":86"},
		"ConfigVariable": {"configs: [{source: c, target: /traefik.yml}]", "configs:\n  c: {environment: STATIC}\n", ":87"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(dir, name+".compose.yaml")
			write(t, file, "services:\n  traefik:\n    image: traefik:v3\n    "+tt.traefik+"\n"+tt.more)
			d := open(t, Options{Files: []string{file}, EnvLookup: func(name string) (string, bool) {
				return "entryPoints: {web: {address: ':87'}}", name == "STATIC"
			}}).Dynamic()
			e := d.Static.EntryPoints["web"]
			if e == nil || e.Address != tt.want {
				t.Fatalf("got %+v, problems %v; want the address %s", e, d.Problems, tt.want)
			}
			if name == "ConfigContent" && (e.Origin.Line != 9 || e.Origin.File != file) {
				t.Errorf("origin: got %+v, want line 9 of %s", e.Origin, file)
			}
			for _, p := range d.Problems {
				if !strings.Contains(p.Message, "Traefik takes its settings from /") {
					t.Errorf("problem: %v", p)
				}
			}
		})
	}
}

// TestStaticFileFollowed changes a static file at the container's root.
func TestStaticFileFollowed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file, mounted := filepath.Join(dir, "compose.yaml"), filepath.Join(dir, "a.yml")
	write(t, mounted, "entryPoints:\n  web: {address: \":81\"}\n")
	write(t, file, "services:\n  traefik:\n    image: traefik:v3\n    volumes: [./a.yml:/traefik.yml]\n")
	r := run(t, Options{Files: []string{file}})
	if e := r.Dynamic().Static.EntryPoints["web"]; e == nil || e.Address != ":81" {
		t.Fatalf("got %+v", e)
	}
	replace(t, mounted, "entryPoints:\n  web: {address: \":82\"}\n")
	r.until(t, "the changed static file", func(d *config.Dynamic) bool { return d.Static.EntryPoints["web"].Address == ":82" })
}
