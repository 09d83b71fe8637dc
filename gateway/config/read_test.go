package config_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// module is this one, and model the package whose fields are to be read.
const (
	module = "axion/gateway"
	model  = module + "/config"
)

// unread are fields that nothing reads, and why that is right.
var unread = map[string]string{
	"ACME.Storage":             "certificates lie with this gateway's own state; that it is set makes the resolver one of ACME",
	"DNSChallenge.Provider":    "that it is set is told, where the challenge is needed",
	"HTTPChallenge.EntryPoint": "challenges are answered on every entrypoint",
}

// listed is what the go command prints of a package.
type listed struct {
	ImportPath, Dir, Export string
	GoFiles                 []string
}

// packages are this module's below gateway, and those that they import.
func packages(t *testing.T) map[string]listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-export", "-deps", "-json=ImportPath,Dir,Export,GoFiles", module+"/...")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	all := map[string]listed{}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all[p.ImportPath] = p
	}
}

// Every field of the configuration is read by what follows it: a setting that is
// decoded and not read would be accepted and not followed.
func TestFieldsAreRead(t *testing.T) {
	if testing.Short() {
		t.Skip("goes through many inputs, one after the other: it runs without -short")
	}
	t.Parallel()
	all := packages(t)
	fset := token.NewFileSet()
	imports := importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) { return os.Open(all[path].Export) })
	config, err := imports.Import(model)
	if err != nil {
		t.Fatal(err)
	}
	names := map[*types.Var]string{}
	for _, name := range config.Scope().Names() {
		s, ok := config.Scope().Lookup(name).Type().Underlying().(*types.Struct)
		if !ok || name == "Scope" || name == "LabelLocations" || name == "Reserved" { // they are no settings
			continue
		}
		for f := range s.Fields() {
			names[f] = name + "." + f.Name()
		}
	}
	read := map[string]bool{}
	for path, p := range all {
		// What decodes fills all fields; it reads some as well, which others must too.
		decodes := slices.Contains([]string{model, module + "/label", module + "/static", module + "/dynamic", module + "/dynamic/document"},
			path)
		if strings.HasPrefix(path, module) && !decodes {
			for _, name := range reads(t, fset, imports, p, names) {
				read[name] = true
			}
		}
	}
	for _, name := range names {
		why, known := unread[name]
		switch {
		case !read[name] && !known:
			t.Errorf("nothing reads %s: follow it, or report it as not supported", name)
		case read[name] && known:
			t.Errorf("%s is read, but is said not to be: %s", name, why)
		}
	}
}

// reads are the fields that a package selects other than to set them.
func reads(t *testing.T, fset *token.FileSet, imports types.Importer, p listed, names map[*types.Var]string) []string {
	t.Helper()
	var files []*ast.File
	for _, name := range p.GoFiles {
		f, err := parser.ParseFile(fset, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	info := &types.Info{Selections: map[*ast.SelectorExpr]*types.Selection{}}
	if _, err := (&types.Config{Importer: imports}).Check(p.ImportPath, fset, files, info); err != nil {
		t.Fatal(err)
	}
	set := map[ast.Expr]bool{}
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			if a, ok := n.(*ast.AssignStmt); ok && a.Tok == token.ASSIGN {
				for _, left := range a.Lhs {
					set[left] = true
				}
			}
			return true
		})
	}
	var found []string
	for expr, s := range info.Selections {
		v, ok := s.Obj().(*types.Var)
		if name := names[v]; ok && name != "" && !set[expr] {
			found = append(found, name)
		}
	}
	return found
}
