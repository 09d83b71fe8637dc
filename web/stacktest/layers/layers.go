// Package layers holds the layers of the design, and checks the imports of the module
// against them: what no rule allows is refused. It follows imports through packages of the
// module, for all of [Systems], and libraries through theirs.
package layers

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// Systems are the values of GOOS for which [Load] reads imports.
var Systems = []string{"linux", "darwin", "windows"}

// Rule says what the packages of a place may import of the module. A place is the path of
// a package below the module, "" for its root; with "/..." the packages below it are of
// the place too, and "..." is every package.
type Rule struct {
	Place string
	Why   string   // shown with what the rule refuses
	May   []string // places that a package and what it imports may reach; its own is always among them
	Tests []string // places that its tests may reach besides
}

// Part says which libraries the packages of a place may import, as prefixes of import
// paths, and which not even those libraries may.
type Part struct {
	Place string
	Own   []string // those of this part
	Tests []string // those that its tests import besides
	Never []string // those that no package of it reaches in any way, its tests left out
}

// Package is one package and what it imports directly, by path.
type Package struct {
	ImportPath                         string
	Imports, TestImports, XTestImports []string
	Deps                               []string // all that it reaches, its tests left out
}

// Load reads the packages of the module in dir, by system. It runs the go command.
func Load(dir string) (map[string][]Package, error) {
	all := map[string][]Package{}
	for _, system := range Systems {
		cmd := exec.Command("go", "list", "-json=ImportPath,Imports,TestImports,XTestImports,Deps", "./...")
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOOS="+system, "CGO_ENABLED=0")
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("go list for %s: %w\n%s", system, err, &stderr)
		}
		for in := json.NewDecoder(bytes.NewReader(out)); ; {
			var p Package
			if err := in.Decode(&p); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				return nil, err
			}
			all[system] = append(all[system], p)
		}
	}
	return all, nil
}

// Check gives what the packages of one system have that the rules do not allow, in the
// order of the packages: a package that no rule is for, an import, a library, and a rule
// that is for nothing.
func Check(module string, packages []Package, rules []Rule, parts []Part) []string {
	g := graph{module: module, packages: map[string]Package{}}
	for _, p := range packages {
		name, _ := g.name(p.ImportPath)
		g.packages[name] = p
	}
	var found []string
	used := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(g.packages)) {
		i := narrowest(name, rules, func(r Rule) string { return r.Place })
		if i < 0 {
			found = append(found, fmt.Sprintf("%s: no rule says what it may import; add one", name))
			continue
		}
		used[rules[i].Place] = true
		found = append(found, g.imports(name, rules[i])...)
		found = append(found, g.libraries(name, parts)...)
	}
	for _, rule := range rules {
		if !used[rule.Place] {
			found = append(found, fmt.Sprintf("rule %q: no package is there", rule.Place))
		}
	}
	return found
}

// graph is the packages of a module by their path below it.
type graph struct {
	module   string
	packages map[string]Package
}

// name gives a path of the module below it; ok reports whether it is one.
func (g graph) name(path string) (name string, ok bool) {
	if path == g.module {
		return "", true
	}
	return strings.CutPrefix(path, g.module+"/")
}

// imports gives what a package or its tests reach in the module beyond the rule.
func (g graph) imports(name string, rule Rule) (found []string) {
	p := g.packages[name]
	may := append(slices.Clone(rule.May), rule.Place)
	found = g.beyond(name, p.Imports, may, rule.Why)
	tests := slices.Concat(may, rule.Tests)
	for _, one := range g.beyond(name+" (tests)", slices.Concat(p.TestImports, p.XTestImports), tests, rule.Why) {
		if !slices.Contains(found, strings.Replace(one, " (tests)", "", 1)) {
			found = append(found, one)
		}
	}
	return found
}

// beyond gives what is reached from imports that none of the places has, with the way there: what lies behind it is left out.
func (g graph) beyond(from string, imports, may []string, why string) (found []string) {
	seen := map[string]bool{}
	var visit func(way string, imports []string)
	visit = func(way string, imports []string) {
		for _, path := range imports {
			to, ours := g.name(path)
			if !ours || seen[to] {
				continue
			}
			seen[to] = true
			if !slices.ContainsFunc(may, func(place string) bool { return within(to, place) }) {
				found = append(found, fmt.Sprintf("%s imports %s: %s", way, to, why))
				continue
			}
			visit(way+" → "+to, g.packages[to].Imports)
		}
	}
	visit(from, imports)
	return found
}

// libraries gives the libraries of a package that its part does not name, and those that it
// reaches though nothing of the part may.
func (g graph) libraries(name string, parts []Part) (found []string) {
	p := g.packages[name]
	i := narrowest(name, parts, func(p Part) string { return p.Place })
	if i < 0 {
		return []string{fmt.Sprintf("%s: no part says which libraries it may import", name)}
	}
	part := parts[i]
	own := slices.Concat(commonLibraries, part.Own)
	for _, path := range p.Imports {
		if library(path) && !prefixed(path, own) {
			found = append(found, fmt.Sprintf("%s imports %s, which %s does not name", name, path, part.Place))
		}
	}
	for _, path := range slices.Concat(p.TestImports, p.XTestImports) {
		if library(path) && !prefixed(path, own) && !prefixed(path, part.Tests) {
			found = append(found, fmt.Sprintf("%s (tests) imports %s, which %s does not name", name, path, part.Place))
		}
	}
	for _, never := range part.Never {
		if at := slices.IndexFunc(p.Deps, func(path string) bool { return prefixed(path, []string{never}) }); at >= 0 {
			found = append(found, fmt.Sprintf("%s reaches %s, which nothing of %s may", name, p.Deps[at], part.Place))
		}
	}
	return found
}

// narrowest gives the index of the narrowest place that has the package, or -1.
func narrowest[T any](name string, all []T, place func(T) string) int {
	best := -1
	for i, one := range all {
		if within(name, place(one)) && (best < 0 || len(place(one)) > len(place(all[best]))) {
			best = i
		}
	}
	return best
}

// within reports whether a place has the package.
func within(name, place string) bool {
	above, below := strings.CutSuffix(place, "...")
	return name == strings.TrimSuffix(above, "/") || below && strings.HasPrefix(name, above)
}

// library reports whether an import is neither the standard library's nor the module's.
func library(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return strings.Contains(first, ".")
}

func prefixed(path string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool { return path == p || strings.HasPrefix(path, p+"/") })
}
