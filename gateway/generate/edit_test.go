package generate_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"axion/gateway/generate"
)

const document = `# The shop.
services:
  shop: # sells
    image: shop

    labels:
      # kept
      - "com.example=1"
      - "traefik.enable=true"
      - traefik.http.routers.shop.rule=Host(` + "`old.localhost`" + `) # the address
      - "traefik.http.routers.shop.priority=7"
      - "traefik.http.routers.other.rule=Path(` + "`/x`" + `)"
    # behind
  plain:
    image: plain
    command: >
      long
      text

  mapped:
    labels:
      traefik.http.routers.mapped.rule: >-
        Host(` + "`a`" + `) ||
        Host(` + "`b`" + `)
      x: y
volumes: {}
`

const wanted = `# The shop.
services:
  shop: # sells
    image: shop

    labels:
      # kept
      - "com.example=1"
      - "traefik.enable=true"
      - "traefik.http.routers.shop.rule=Host(` + "`shop.localhost`" + `)" # the address
      - "traefik.http.routers.other.rule=Path(` + "`/x`" + `)"
      - "traefik.http.routers.shop.entrypoints=websecure"
      - "traefik.http.routers.shop.tls=true"
      - "traefik.http.routers.shop.service=shop"
      - "traefik.http.services.shop.loadbalancer.server.port=4000"
      - "traefik.http.services.shop.loadbalancer.healthcheck.path=/health"
      - "traefik.http.services.shop.loadbalancer.healthcheck.interval=10s"
    # behind
  plain:
    image: plain
    command: >
      long
      text
    labels:
      traefik.enable: "true"
      traefik.http.routers.plain.rule: "PathPrefix(` + "`/plain`" + `)"
      traefik.http.routers.plain.entrypoints: "web"
      traefik.http.routers.plain.middlewares: "plain-strip"
      traefik.http.middlewares.plain-strip.stripprefix.prefixes: "/plain"
      traefik.http.routers.plain.service: "plain"
      traefik.http.services.plain.loadbalancer.server.port: "1"

  mapped:
    labels:
      traefik.http.routers.mapped.rule: "Host(` + "`mapped.localhost`" + `)"
      x: y
      traefik.enable: "true"
      traefik.http.routers.mapped.entrypoints: "websecure"
      traefik.http.routers.mapped.tls: "true"
      traefik.http.routers.mapped.service: "mapped"
      traefik.http.services.mapped.loadbalancer.server.port: "80"
      traefik.http.services.mapped.loadbalancer.sticky.cookie: "true"
volumes: {}
`

var services = []generate.Service{
	{Name: "shop", Port: 4000, Health: "/health"},
	{Name: "plain", Port: 1, Prefix: "/plain", Strip: true, Plain: true},
	{Name: "mapped", Port: 80, WebSocket: true},
}

func TestEdit(t *testing.T) {
	t.Parallel()
	got, err := generate.Edit("compose.yaml", []byte(document), services)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != wanted {
		t.Errorf("got\n%s\nwant\n%s", got, wanted)
	}
	again, err := generate.Edit("compose.yaml", got, services)
	if err != nil || !bytes.Equal(got, again) {
		t.Errorf("a second edit: got\n%s, %v; want no change", again, err)
	}
}

func TestEditErrors(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ document, want string }{
		"ErrNoService":  {"services: {other: {image: a}}\n", `there is no service "shop"`},
		"ErrFlow":       {"services:\n  shop: {image: a}\n", "compose.yaml:2: the service \"shop\" is not written as a block"},
		"ErrFlowLabels": {"services:\n  shop:\n    labels: [a=b]\n", "compose.yaml:3: the labels of \"shop\" are not written as a block"},
		"ErrMalformed":  {"services: [\n", "the YAML is malformed"},
		"ErrEmpty":      {"", "the YAML is malformed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := generate.Edit("compose.yaml", []byte(tt.document), services[:1])
			if e, ok := errors.AsType[*generate.Error](err); !ok || !strings.Contains(e.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// FuzzEdit checks that nothing but the service's labels changes.
func FuzzEdit(f *testing.F) {
	f.Add(document)
	f.Add("services:\n  shop:\n    labels:\n    - a=b\n    x: 1\n")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := generate.Edit("compose.yaml", []byte(text), services[:1])
		if err != nil {
			return
		}
		var before, after map[string]any
		if yaml.Unmarshal([]byte(text), &before) != nil {
			return
		}
		if err := yaml.Unmarshal(got, &after); err != nil {
			t.Fatalf("the result cannot be read: %v\n%s", err, got)
		}
		for _, m := range []map[string]any{before, after} {
			all, _ := m["services"].(map[string]any)
			s, ok := all["shop"].(map[string]any)
			if !ok {
				return // keys that are no strings
			}
			delete(s, "labels")
		}
		if !reflect.DeepEqual(before, after) {
			t.Errorf("more than labels changed in\n%s\nto\n%s", text, got)
		}
	})
}

func TestCommand(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "compose.yaml")
	list := "services:\n  - {name: shop, port: 4000, health: /health}\n" +
		"  - {name: plain, port: 1, prefix: /plain, strip: true, plain: true}\n" +
		"  - {name: mapped, port: 80, websocket: true}\n"
	for name, text := range map[string]string{file: document, filepath.Join(dir, "services.yaml"): list} {
		if err := os.WriteFile(name, []byte(text), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	run := func(args ...string) (string, error) {
		var out bytes.Buffer
		cmd := generate.Command(func() []string { return []string{file} })
		cmd.SetArgs(args)
		cmd.SetOut(&out)
		cmd.SilenceErrors, cmd.SilenceUsage = true, true
		err := cmd.Execute()
		return out.String(), err
	}
	if out, err := run("shop"); err != nil || !strings.Contains(out, "traefik.http.services.shop.loadbalancer.server.port: \"4000\"") {
		t.Errorf("print: got %q, %v", out, err)
	}
	if out, err := run("--all", "--dry-run"); err != nil || !strings.Contains(out, "-      - \"traefik.http.routers.shop.priority=7\"") {
		t.Errorf("dry run: got %q, %v", out, err)
	}
	if _, err := run("--all", "--write"); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(file); string(got) != wanted {
		t.Errorf("written: got\n%s", got)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode: got %v, %v, want 0640 as before", info.Mode(), err)
	}
	for _, args := range [][]string{{}, {"shop", "--all"}, {"nobody"}, {"--all", "--write", "--dry-run"}} {
		if _, err := run(args...); err == nil {
			t.Errorf("%v: got no error", args)
		}
	}
}

func TestReadListErrors(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ list, want string }{
		"ErrName":    {"services: [{port: 1}]", "has no name"},
		"ErrPort":    {"services: [{name: a}]", "port 0 is not a port"},
		"ErrHost":    {"services: [{name: a, port: 1, host: 'http://x'}]", "is not a host"},
		"ErrPrefix":  {"services: [{name: a, port: 1, prefix: x}]", "is not a path"},
		"ErrTwice":   {"services: [{name: a, port: 1}, {name: b, router: a, port: 1}]", "is there twice"},
		"ErrUnknown": {"services: [{name: a, prt: 1}]", "prt"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "services.yaml")
			if err := os.WriteFile(file, []byte(tt.list), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := generate.ReadList(file)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}
