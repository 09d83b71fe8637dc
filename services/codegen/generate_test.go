package codegen

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"axion/services/contract"
)

var update = flag.Bool("update", false, "write the golden files from the present output")

func generator(t testing.TB) *Generator {
	t.Helper()
	g, err := NewGenerator(os.DirFS("../../embed/blueprints"))
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestGenerateGolden(t *testing.T) {
	t.Parallel()
	g := generator(t)
	for _, name := range g.Templates() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			req := contract.GenerateCodeRequest{
				ProjectID: "0199c0de-0000-7000-8000-000000000001", Template: name, Name: "Tea & Biscuits",
				Config: json.RawMessage(`{"description": "A \"shop\" for <tea>.", "accent": "#0f7b6c", "other": 1}`),
			}
			reply, err := g.Generate(req)
			if err != nil {
				t.Fatal(err)
			}
			again, err := g.Generate(req)
			if err != nil || !reflect.DeepEqual(reply, again) {
				t.Errorf("a second call gave other files (%v)", err)
			}
			compareGolden(t, filepath.Join("testdata", name+".golden"), join(reply.Files))
		})
	}
}

func join(files []contract.File) string {
	var b strings.Builder
	for _, f := range files {
		b.WriteString("== " + f.Path + "\n" + f.Content)
	}
	return b.String()
}

func compareGolden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("output differs from %s (go test -run Golden -update writes it anew):\n%s", file, got)
	}
}

func TestGenerate(t *testing.T) {
	t.Parallel()
	g := generator(t)
	t.Run("Default", func(t *testing.T) {
		t.Parallel()
		reply, err := g.Generate(contract.GenerateCodeRequest{ProjectID: "p"})
		if err != nil || reply.Template != contract.DefaultTemplate || len(reply.Files) == 0 {
			t.Errorf("got %+v, %v, want the default template's files", reply, err)
		}
	})
	t.Run("ErrUnknownTemplate", func(t *testing.T) {
		t.Parallel()
		_, err := g.Generate(contract.GenerateCodeRequest{ProjectID: "p", Template: "../static-site"})
		var unknown *UnknownTemplateError
		if !errors.As(err, &unknown) || !strings.Contains(err.Error(), contract.DefaultTemplate) {
			t.Errorf("got %v, want an UnknownTemplateError that lists the known ones", err)
		}
	})
	for name, config := range map[string]string{
		"ErrNotObject": `[1]`,
		"ErrType":      `{"title": 4}`,
		"ErrColour":    `{"accent": "red;} body{display:none"}`,
		"ErrLong":      `{"title": "` + strings.Repeat("x", maxText+1) + `"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := g.Generate(contract.GenerateCodeRequest{ProjectID: "p", Config: json.RawMessage(config)})
			var ce *ConfigError
			if !errors.As(err, &ce) {
				t.Errorf("got %v, want a ConfigError", err)
			}
		})
	}
}
