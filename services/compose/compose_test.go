package compose

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"axion/web/view"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// write makes the files of a folder, and returns it.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func read(t *testing.T, dir string, o Options) *Project {
	t.Helper()
	o.Files = []string{filepath.Join(dir, "compose.yaml")}
	p, err := Read(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestProviders(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		service  string
		files    map[string]string
		options  Options
		provider Provider
		kind     Kind
		argv     string
		needs    string // a part of the hint
	}{
		"Kafka":         {service: `image: confluentinc/cp-kafka:7.5.0`, provider: ByAxion, kind: Kafka},
		"KafkaMirrored": {service: `image: mirror.example/hub/apache/kafka:4.0.0`, provider: ByAxion, kind: Kafka},
		"Redpanda":      {service: `image: docker.redpanda.com/redpandadata/redpanda:v25.1.1`, provider: ByAxion, kind: Kafka},
		"ZooKeeper":     {service: `image: zookeeper`, provider: ByAxion, kind: ZooKeeper},
		"Traefik":       {service: `image: traefik:v3.3`, provider: ByAxion, kind: Traefik},
		"Console":       {service: `image: ghcr.io/kafbat/kafka-ui:main`, provider: ByAxion, kind: Console},
		"Postgres":      {service: `image: postgres:16-alpine`, provider: ByBacking, kind: Postgres},
		"Digest":        {service: `image: redis@sha256:` + strings.Repeat("ab", 32), provider: ByBacking, kind: Redis},
		"NotPostgres":   {service: `image: example/postgres-exporter`, provider: ByUser, needs: "--docker"},
		"BuiltPostgres": {service: `{image: postgres, build: ./db}`, files: map[string]string{"db/x": ""}, provider: ByUser, needs: "--docker"},
		"Command": {service: `{build: ./a, x-axion: {command: node "a b.js"}}`, files: map[string]string{"a/x": ""}, provider: ByProcess,
			argv: "node|a b.js"},
		"CommandList": {service: `{x-axion: {command: [node, a.js]}}`, provider: ByProcess, argv: "node|a.js"},
		"CommandShell": {service: `{x-axion: {command: "node a.js | tee log"}}`, provider: ByProcess,
			argv: strings.Join(Shell("node a.js | tee log"), "|")},
		"FileCommand": {service: `{build: ./a, command: [node, b.js]}`, files: map[string]string{"a/x": ""}, provider: ByProcess,
			argv: "node|b.js"},
		"Entrypoint": {service: `{build: ./a, entrypoint: node, command: b.js}`, files: map[string]string{"a/x": ""}, provider: ByProcess,
			argv: "node|b.js"},
		"Proposed": {service: `build: ./a`, files: map[string]string{"a/go.mod": "module a", "a/main.go": "package main"},
			provider: ByUser, needs: `"go run ."`},
		"ProposalIsTaken": {service: `build: ./a`, files: map[string]string{"a/Cargo.toml": ""}, options: Options{Accept: true},
			provider: ByProcess, argv: "cargo|run"},
		"Container": {service: `image: mongo:7`, options: Options{Docker: true}, provider: ByContainer},
		"Yours":     {service: `{image: "mongo:7", ports: ["27018:27017"]}`, provider: ByUser, needs: "start it on 27018"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := "services:\n  a:\n    " + strings.ReplaceAll(c.service, "\n", "\n    ") + "\n"
			if strings.HasPrefix(c.service, "{") {
				text = "services:\n  a: " + c.service + "\n"
			}
			files := map[string]string{"compose.yaml": text}
			for name, text := range c.files {
				files[name] = text
			}
			p := read(t, write(t, files), c.options)
			if len(p.Problems) > 0 {
				t.Fatalf("got problems %+v", p.Problems)
			}
			s := p.Service("a")
			if s.Provider != c.provider || s.Kind != c.kind || strings.Join(s.Argv, "|") != c.argv {
				t.Errorf("got %s %s %q, want %s %s %q", s.Provider, s.Kind, s.Argv, c.provider, c.kind, c.argv)
			}
			if s.Reason == "" {
				t.Error("no reason")
			}
			err := s.Needs()
			if (err != nil) != (c.needs != "") {
				t.Fatalf("needs %v, want %q", err, c.needs)
			}
			if err != nil && !strings.Contains(err.(hintError).Hint(), c.needs) {
				t.Errorf("got the hint %q, want %q", err.(hintError).Hint(), c.needs)
			}
		})
	}
}

func TestMajor(t *testing.T) {
	t.Parallel()
	for image, want := range map[string]int{
		"postgres:16-alpine": 16, "postgres": 0, "postgres:latest": 0, "postgres:9.6": 9, "bitnami/postgresql:17.2.0": 17,
		"pgvector/pgvector:pg16": 16, "timescale/timescaledb:2.17.2-pg17": 17, "valkey/valkey:8.0": 8,
	} {
		s := &Service{}
		s.Image = image
		if got := s.Major(); got != want {
			t.Errorf("%s: got %d, want %d", image, got, want)
		}
	}
}

func TestPersonal(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{
		"compose.yaml": "services:\n  a:\n    image: x\n    x-axion: {command: one, port: 1}\n",
		PersonalFile:   "services:\n  a: {command: two, hold: 3s, env: {A: 1}, ready: listening}\n  gone: {command: x}\n",
	})
	p := read(t, dir, Options{})
	a := p.Service("a")
	if !slices.Equal(a.Argv, Argv{"two"}) || a.Run.Port != 1 || a.Run.HoldTime().Seconds() != 3 || a.Run.Env["A"] != "1" ||
		a.Run.Ready.Log != "listening" {
		t.Errorf("got %+v", a.Run)
	}
	want := view.Problem{Severity: view.SeverityError, File: filepath.Join(dir, PersonalFile), Line: 3, Service: "gone",
		Message: "the compose file has no such service", Hint: "use the name of a service under services:"}
	if len(p.Problems) != 1 || p.Problems[0] != want {
		t.Errorf("got %+v, want %+v", p.Problems, want)
	}
}

// TestProblems: what is wrong with one service leaves the others.
func TestProblems(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ service, message string }{
		"UnknownKey":  {`{x-axion: {comand: x}}`, "comand"},
		"Quote":       {`{x-axion: {command: "node 'x"}}`, `command "node 'x"`},
		"Hold":        {`{x-axion: {command: x, hold: soon}}`, "hold"},
		"HoldBelow":   {`{x-axion: {command: x, hold: -1s}}`, "hold is -1s"},
		"NoDirectory": {`{x-axion: {command: x, directory: ./none}}`, "none"},
		"NoContext":   {`{build: ./none}`, "none"},
		"Remote":      {`{build: "https://example.com/a.git", command: x}`, "not on this machine"},
		"Image":       {`{image: "A B"}`, "image"},
		"BrokenJSON":  {`{build: ./broken}`, "package.json"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := write(t, map[string]string{
				"compose.yaml":        "services:\n  good: {image: kafka}\n  bad: " + c.service + "\n",
				"broken/package.json": "{",
			})
			p := read(t, dir, Options{})
			if p.Service("good") == nil || len(p.Problems) != 1 {
				t.Fatalf("got %+v", p.Problems)
			}
			got := p.Problems[0]
			if got.Service != "bad" || got.Line != 3 || got.File == "" || !strings.Contains(got.Message, c.message) {
				t.Errorf("got %+v, want %q", got, c.message)
			}
		})
	}
}

func TestOrder(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{"compose.yaml": `services:
  a: {image: x, depends_on: [c]}
  b: {image: x}
  c: {image: x, depends_on: {b: {condition: service_healthy}, off: {condition: service_started, required: false}}}
  off: {image: x, profiles: [p]}
`})
	var got []string
	for _, s := range read(t, dir, Options{}).Services {
		got = append(got, s.Name)
	}
	if want := []string{"b", "c", "a"}; !slices.Equal(got, want) {
		t.Errorf("got %s, want %s", got, want)
	}
	if p := read(t, dir, Options{Profiles: []string{"p"}}); p.Service("off") == nil {
		t.Error("a profile that is on is left out")
	}
	for name, c := range map[string]struct{ text, want string }{
		"Cycle": {"services:\n  a: {image: x, depends_on: [b]}\n  b: {image: x, depends_on: [a]}\n",
			":2: services depend on each other: a → b → a"},
		"Missing": {"services:\n  a: {image: x}\n  b: {image: x, depends_on: [off]}\n  off: {image: x, profiles: [p]}\n",
			`:3: service "b" depends on "off"`},
	} {
		_, err := Read(t.Context(), Options{Files: []string{filepath.Join(write(t, map[string]string{"compose.yaml": c.text}), "compose.yaml")}})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}

// TestFiles: an env_file and a label_file that are missing are the matter of one service,
// with the line of the key; what the others say is read.
func TestFiles(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{"compose.yaml": `services:
  a:
    image: a
    env_file: [./missing.env]
  b:
    image: b
    label_file: ./missing.labels
  c:
    image: c
    environment: {B: file, C: "${FROM_DOT:-none}"}
    env_file: [./c.env, {path: ./missing.env, required: false}]
  d:
    image: d
    env_file: ./bad.env
`, "c.env": "A=1\nB=2\n", ".env": "FROM_DOT=dot\n", "bad.env": "A='unclosed\n"})
	p := read(t, dir, Options{})
	for i, want := range []struct {
		service, text string
		line          int
	}{{"a", "missing.env", 4}, {"b", "missing.labels", 7}, {"d", "bad.env", 14}} {
		got := p.Problems[i]
		if got.Service != want.service || !strings.Contains(got.Message, want.text) || got.Line != want.line || got.Hint == "" {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	c := p.Service("c").Environment
	if *c["A"] != "1" || *c["B"] != "file" || *c["C"] != "dot" {
		t.Errorf("the environment is %v", c)
	}
}

// TestUnfollowed: what only a container could follow is noted with its line; a relative
// working_dir and the files of secrets are followed.
func TestUnfollowed(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{"compose.yaml": `services:
  a:
    build: ./a
    command: run
    cap_add: [NET_ADMIN]
    user: "1000"
    mem_limit: 1g
    volumes: ["./a:/app", "./a/conf:/etc/conf"]
    working_dir: sub
    secrets: [key, other]
  b:
    build: ./a
    command: run
    volumes: ["./data:/data", "named:/var"]
    working_dir: /app
    deploy: {resources: {limits: {cpus: "1"}}, restart_policy: {condition: any, delay: 3s}}
  c: {image: redis, mem_limit: 1g}
secrets: {key: {file: ./key.txt}, other: {environment: OTHER}}
volumes: {named: {}}
`, "a/sub/x": "", "key.txt": "k"})
	p := read(t, dir, Options{})
	for name, want := range map[string][]string{
		"a": {":6: user", ":5: cap_add", ":7: mem_limit", ":10: secrets"},
		"b": {":16: deploy", ":16: deploy", ":14: volumes", ":15: working_dir"},
		"c": nil,
	} {
		notes := p.Service(name).Notes
		if len(notes) != len(want) {
			t.Errorf("%s: the notes are %q, want %q", name, notes, want)
			continue
		}
		for i, text := range want {
			if !strings.Contains(notes[i], "compose.yaml"+text+" is not followed") {
				t.Errorf("%s: the note is %q, want %q", name, notes[i], text)
			}
		}
	}
	a := p.Service("a")
	if a.Dir != filepath.Join(dir, "a", "sub") || a.RewritePaths("/run/secrets/key") != filepath.Join(dir, "key.txt") ||
		a.RewritePaths("/run/secrets/key2") != "/run/secrets/key2" {
		t.Errorf("it runs in %s, and its secrets are %v", a.Dir, a.Paths)
	}
}
