package codegen_test

import (
	"encoding/json"
	"errors"
	"go/format"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"axion/services/contract"
)

// FuzzGenerate looks for names and configs that break a generated file or leave
// their place in the page.
func FuzzGenerate(f *testing.F) {
	g := newGenerator(f)
	f.Add("Tea", "a shop", "#123456")
	f.Add("</title><script>", "\"\n\\", "#fff")
	f.Add("é 日本", "\u2028", "")
	f.Add("null", "a: b\n- ${x}", "#fff")
	f.Fuzz(func(t *testing.T, name, description, accent string) {
		config, err := json.Marshal(map[string]string{"description": description, "accent": accent})
		if err != nil {
			t.Fatal(err)
		}
		for _, template := range g.Templates() {
			reply, err := g.Generate(contract.GenerateCodeRequest{ProjectID: "p", Template: template, Name: name, Config: config})
			if err != nil {
				continue
			}
			for _, file := range reply.Files {
				wantReadable(t, file)
			}
		}
	})
}

// FuzzGraph generates from any graph: never a panic, a path outside or twice, or a
// file that its language cannot read.
func FuzzGraph(f *testing.F) {
	for _, g := range []*contract.Architecture{shop(), exchange()} {
		text, err := json.Marshal(g)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text), "Shop")
	}
	f.Add(`{"nodes":[{"id":"a: b\n- c","type":"service","host":"x"}],"edges":[]}`, "*/ }\n`${x}`")
	f.Add(`{"nodes":[{"id":"API","type":"service","language":"go"},{"id":"api","type":"service","port":80},{"id":"null","type":"database"}]}`,
		"{{.}}")
	g := newGenerator(f)
	f.Fuzz(func(t *testing.T, text, name string) {
		var a contract.Architecture
		if json.Unmarshal([]byte(text), &a) != nil {
			return
		}
		reply, err := g.Generate(contract.GenerateCodeRequest{ProjectID: "p", Name: name, Graph: &a})
		if err != nil {
			return
		}
		paths := map[string]bool{}
		for _, file := range reply.Files {
			if !filepath.IsLocal(file.Path) || paths[strings.ToLower(file.Path)] {
				t.Fatalf("the path %q leads out, or is there twice", file.Path)
			}
			paths[strings.ToLower(file.Path)] = true
			wantReadable(t, file)
		}
	})
}

// wantReadable has a file's own language read it.
func wantReadable(t *testing.T, file contract.File) {
	t.Helper()
	switch filepath.Ext(file.Path) {
	case ".json":
		if !json.Valid([]byte(file.Content)) {
			t.Errorf("%s is not JSON:\n%s", file.Path, file.Content)
		}
	case ".yaml":
		for d := yaml.NewDecoder(strings.NewReader(file.Content)); ; {
			var v map[string]any
			if err := d.Decode(&v); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s: %v\n%s", file.Path, err, file.Content)
			}
		}
	case ".html":
		if strings.Contains(file.Content, "<script") {
			t.Errorf("%s lets markup through:\n%s", file.Path, file.Content)
		}
	case ".go":
		if text, err := format.Source([]byte(file.Content)); err != nil || string(text) != file.Content {
			t.Errorf("%s is not formatted (%v):\n%s", file.Path, err, file.Content)
		}
	}
}

// TestSkeletonModules has the Go skeleton use the versions of modules that this
// module does, whose sums are known here.
func TestSkeletonModules(t *testing.T) {
	t.Parallel()
	known, err := os.ReadFile("../../go.sum")
	if err != nil {
		t.Fatal(err)
	}
	sums := generated(t, exchange())["services/api/go.sum"]
	if sums == "" {
		t.Error("there is no go.sum")
	}
	for line := range strings.Lines(sums) {
		if !strings.Contains(string(known), line) {
			t.Errorf("%s is not in go.sum: bring services/codegen/skeleton/go to the versions in go.mod", strings.TrimSpace(line))
		}
	}
}
