package compose

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"axion/gateway/label"
	"axion/gateway/provider/compose/composetest"
	"axion/gateway/provider/merge"
	"axion/gateway/provider/watched"
)

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func byPort(a, b label.Port) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) }

// projects are written in all the ways that compose allows, as far as it matters
// here. Those named b.yaml override a.yaml.
var projects = map[string]string{
	"OKForms": `
-- a.yaml --
services:
  list:
    labels: ["a=b", c, "d=", " e = f ", "g=h=i", "traefik.enable=true"]
    ports: ["8081:8080", "53:53/udp", 90, "127.0.0.1:9000-9001:9000-9001", "[::1]:7:8", "5000-5010:6000"]
    expose: [80, "81", "82/udp", "83-85", "86/sctp"]
  map:
    labels: {a: b, yes: on, n: 1, f: 1.50, t: true, nothing: , quoted: "007", octal: 010, "w i d e": "x y"}
    ports:
      - {target: 80, published: "8080", host_ip: 127.0.0.1}
      - {target: "53", published: 53, protocol: udp}
      - target: 99
  empty: {}
  emptier: {labels: }
`,
	"OKVariables": `
-- .env --
NAME=from-env
TOP=below
QUOTED="a b"
-- a.yaml --
name: ${NAME}
services:
  list:
    labels: ["${NAME}.x=${TOP}", "a=${UNSET-none}", "b=$$HOME", "c=${UNSET:+x}", "d=${QUOTED}"]
    ports: ["${PORT:-1}:2"]
    expose: ["${PORT:-3}"]
  map:
    labels: {"${NAME}": "${NAME}", k: "${TOP:?x}"}
    ports: [{target: "${PORT:-4}", published: "${PORT:-5}"}]
`,
	"OKAnchors": `
-- a.yaml --
x-labels: &l {a: "1", b: "1"}
x-more: &m {b: "2", c: "2"}
x-base: &base
  labels: &both {<<: [*l, *m], d: "3"}
  ports: &ports ["1:2"]
x-name: &name named
services:
  one: {<<: *base}
  two: {<<: *base, labels: {<<: *both, a: "4"}}
  three: {labels: {e: *name}, ports: *ports, expose: &e ["1"]}
  four: {labels: *l, expose: *e}
`,
	"OKOverride": `
-- a.yaml --
services:
  web:
    labels: ["a=1", "b=1"]
    ports: ["1:1", "2:2"]
    expose: ["5"]
    profiles: [p]
  other:
    labels: {x: "1"}
-- b.yaml --
name: second
services:
  web:
    labels: {b: "2", c: "2"}
    ports: ["1:1", "3:3"]
    expose: ["5", "6"]
    profiles: [q]
  more:
    labels: ["x=2"]
`,
	"OKDocuments": `
-- a.yaml --
services:
  web: {labels: ["a=1", "b=1"]}
---
services:
  web: {labels: ["b=2"]}
  more: {labels: ["c=3"]}
`,
	"OKExtends": `
-- a.yaml --
services:
  base: {labels: ["a=1", "b=1"], ports: ["1:1"], expose: ["1"]}
  middle: {extends: base, labels: {b: "2"}}
  web: {extends: {service: middle}, labels: ["c=3"], ports: ["2:2"]}
  far: {extends: {file: deep/far.yaml, service: far}, labels: ["a=near"]}
-- b.yaml --
services:
  web: {extends: local, labels: ["b=4"]}
  local: {labels: ["local=1"]}
-- deep/far.yaml --
services:
  far: {extends: {file: farther/f.yaml, service: f}, labels: ["a=far", "b=far"], label_file: far.labels}
-- deep/farther/f.yaml --
services:
  f: {labels: ["a=farther", "c=farther"], ports: ["9:9"]}
-- deep/far.labels --
labelled=far
b=file
`,
	"OKInclude": `
-- .env --
A=outer
-- a.yaml --
include:
  - inner/compose.yaml
  - path: [second.yaml, second.override.yaml]
    env_file: second.env
  - path: third/sub/t.yaml
    project_directory: third
services:
  web: {extends: inner, labels: ["own=${A}-${B}"]}
  inner: {labels: ["mine=1"]}
-- inner/.env --
A=inner
B=inner
-- inner/compose.yaml --
include: [nested/n.yaml]
services:
  inner: {labels: ["i=${A}-${B}", "mine=0"], ports: ["1:1"], label_file: l}
-- inner/l --
file=inner
-- inner/nested/n.yaml --
services:
  nested: {labels: ["n=${A}-${B}"]}
-- second.env --
B=second
-- second.yaml --
services:
  second: {labels: ["b=${B}", "c=1"]}
-- second.override.yaml --
services:
  second: {labels: ["c=2"]}
-- third/sub/t.yaml --
services:
  third: {labels: ["t=1"], label_file: l}
-- third/l --
file=third
`,
	"OKLabelFile": `
-- a.yaml --
services:
  one: {label_file: l, labels: ["b=own"]}
  two: {label_file: [l, m]}
-- b.yaml --
services:
  one: {label_file: [m]}
-- l --
# a comment
a=1
export b=file
traefik.http.routers.x.rule=Host('quoted')
q="in quotes"
-- m --
a=2
c=${a}
`,
	"OKReset": `
-- a.yaml --
services:
  web: {labels: ["a=1"], ports: ["1:1"]}
  over: {labels: ["a=1", "b=1"], ports: ["1:1"]}
  gone: {labels: ["a=1"]}
  rest: {labels: ["a=1"]}
-- b.yaml --
services:
  web: {labels: !reset [], ports: ["2:2"]}
  over: {labels: !override ["c=1"], ports: !override ["3:3"]}
  gone: !reset null
  rest: {labels: ["b=1"]}
`,
	"OKTraefik": `
-- a.yaml --
services:
  web: {labels: ["traefik.http.routers.w.rule=Path(` + "`/`" + `)"], expose: ["80"]}
  proxy:
    image: docker.io/library/traefik:v3.7
    command: --providers.docker --providers.docker.exposedbydefault=false
    labels: ["a=1"]
`,
}

// TestReference shows that the way round compose's own loader leads to what that
// loader reads.
func TestReference(t *testing.T) {
	t.Parallel()
	for name, archive := range projects {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := composetest.Unpack(t, archive)
			load := func(reference bool) *Project {
				t.Helper()
				paths := []string{filepath.Join(dir, "a.yaml")}
				if b := filepath.Join(dir, "b.yaml"); exists(b) {
					paths = append(paths, b)
				}
				reader := Reader{reference: reference, Env: func(name string) (string, bool) {
					v, ok := map[string]string{"TOP": "process", "COMPOSE_PROFILES": "*"}[name]
					return v, ok
				}}
				p, problem := reader.Read(Source{Paths: paths, Dir: dir, Layer: merge.FileLayer, Open: watched.NewFiles().Open,
					Show: func(path string) string {
						shown, err := filepath.Rel(dir, path)
						if err != nil {
							t.Fatal(err)
						}
						return shown
					}})
				if problem != nil {
					t.Fatalf("reference %t: %v", reference, problem)
				}
				return p
			}
			got, want := load(false), load(true)
			if a, b := slices.Sorted(maps.Keys(got.decoded)), slices.Sorted(maps.Keys(want.decoded)); !slices.Equal(a, b) || len(a) == 0 {
				t.Fatalf("got services %v, want %v", a, b)
			}
			for name := range want.decoded {
				g, w := got.decoded[name].Service, want.decoded[name].Service
				slices.SortFunc(g.Ports, byPort)
				slices.SortFunc(w.Ports, byPort)
				if !reflect.DeepEqual(g, w) {
					t.Errorf("%s: got %+v, want %+v", name, g, w)
				}
			}
		})
	}
}

func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		"services:\n  web:\n    labels:\n      - traefik.http.routers.r.rule=Host(`a`)\n    ports: ['3000']\n",
		"services:\n  web: {<<: [*a, *a]}\n", "a: &a\n  <<: *a\n", "services: {web: {ports: [{target: x}], expose: {}, labels: [[a]]}}",
		"services: {web: {extends: {service: web}, label_file: [x], build: 3, deploy: []}}", "include: [x.yaml]\nservices: {}",
		"--- \n---\nservices: {web: }\n",
	} {
		f.Add([]byte(seed))
	}
	r := Reader{Env: func(string) (string, bool) { return "", false }}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		p, problem := r.Read(Source{Base: data, Dir: dir, Show: func(string) string { return "f.yaml" }, Open: func(path string) *watched.File {
			return &watched.File{Path: path, Err: os.ErrNotExist}
		}})
		if (p == nil) == (problem == nil) {
			t.Fatalf("got project %v and problem %v, want one of them", p, problem)
		}
		if problem != nil && (problem.Message == "" || problem.File == "") {
			t.Fatalf("got %+v, want it to say where and what", problem)
		}
		if p != nil {
			merge.Documents([]*merge.Document{&p.Document}, &merge.Memos{})
		}
	})
}
