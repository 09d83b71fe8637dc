package provider

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"axion/gateway/config"

	"go.yaml.in/yaml/v4"
)

// maxFiles bounds how many files one project may be made of, and maxDeep how
// deep they may include and extend each other.
const (
	maxFiles = 1000
	maxDeep  = 30
)

// part is what one place says of a compose service.
type part struct {
	file string // as shown
	dir  string // what its paths are relative to
	node *yaml.Node
	look lookup
}

// model are the parts of each service, the least important first.
type model map[string][]part

// assembly puts a project together from its files, as compose does: extended
// services and included files lie below what refers to them, and each file below
// the next one.
type assembly struct {
	open    func(path string) *input // notes that the project depends on the file
	show    func(path string) string
	parts   int
	problem *config.Problem // the first; all is void with it
}

// spot is where a file is referred to.
type spot struct {
	file string
	node *yaml.Node
}

func (a *assembly) fail(at spot, service, message, hint string) {
	if a.problem != nil {
		return
	}
	a.problem = &config.Problem{Severity: config.Error, File: at.file, Service: service, Message: message, Fix: hint}
	if at.node != nil {
		a.problem.Line = at.node.Line
	}
}

// read is the outline of a file, or nil if there is a problem.
func (a *assembly) read(path string, at spot) *outline {
	in := a.open(path)
	if in == nil {
		a.fail(at, "", fmt.Sprintf("the project is made of more than %d files", maxFiles), "")
		return nil
	}
	if in.err != nil {
		message := "the file cannot be read: " + reason(in.err)
		if errors.Is(in.err, fs.ErrNotExist) {
			message = "there is no such file"
		}
		a.fail(at, "", fmt.Sprintf("%s: %s", a.show(path), message), "check the name")
		return nil
	}
	if in.outline == nil && in.outlineProblem == nil {
		in.outline, in.outlineProblem = parseOutline(a.show(path), in.data)
	}
	if in.outlineProblem != nil && a.problem == nil {
		a.problem = in.outlineProblem
	}
	return in.outline
}

// files assembles a project, or one that is included, of its files. above are
// the files that lead here.
func (a *assembly) files(paths []string, dir string, look lookup, at spot, above []string) model {
	all := model{}
	for _, path := range paths {
		if slices.Contains(above, path) || len(above) > maxDeep {
			a.fail(at, "", fmt.Sprintf("%s is included by itself, or too deeply", a.show(path)), "")
			return nil
		}
		out := a.read(path, at)
		if a.problem != nil {
			return nil
		}
		a.outline(all, out, a.show(path), dir, look, append(slices.Clone(above), path))
	}
	return all
}

// outline adds one file to the model.
func (a *assembly) outline(all model, out *outline, file, dir string, look lookup, above []string) {
	for _, root := range out.roots {
		own := model{}
		if include := child(root, "include"); include != nil {
			each(include, func(entry, _ *yaml.Node) { a.include(own, spot{file, entry}, dir, look, above) })
		}
		services := child(root, "services")
		if services == nil {
			continue
		}
		each(services, func(name, node *yaml.Node) {
			p := part{file: file, dir: dir, node: node, look: look}
			if have := own[name.Value]; len(have) > 0 && have[len(have)-1].file == file {
				have[len(have)-1] = p // merged by <<, and written again
				return
			}
			own[name.Value] = append(own[name.Value], p)
		})
		e := &extension{assembly: a, own: own, file: file, dir: dir, look: look}
		for name := range own {
			all[name] = append(all[name], e.extended(name, 0)...)
			if a.problem != nil {
				return
			}
		}
	}
}

// include adds the services of an entry of include to those of the file.
func (a *assembly) include(own model, at spot, dir string, look lookup, above []string) {
	paths, env := texts(at.node, look), []string(nil)
	projectDir := ""
	if at.node.Kind == yaml.MappingNode {
		paths = texts(child(at.node, "path"), look)
		env = texts(child(at.node, "env_file"), look)
		projectDir = strings.Join(texts(child(at.node, "project_directory"), look), "")
	}
	if len(paths) == 0 {
		a.fail(at, "", "the entry of include names no file", "write the path of a compose file")
		return
	}
	for i, path := range paths {
		paths[i] = absolute(dir, path)
	}
	if projectDir == "" {
		projectDir = filepath.Dir(paths[0])
	}
	projectDir = absolute(dir, projectDir)
	optional := len(env) == 0
	if optional {
		env = []string{filepath.Join(projectDir, ".env")}
	}
	for _, path := range env {
		if path != "/dev/null" {
			look = a.variables(look, absolute(dir, path), optional, at)
		}
	}
	if a.problem != nil {
		return
	}
	for name, parts := range a.files(paths, projectDir, look, at, above) {
		own[name] = append(own[name], parts...)
	}
}

// variables puts those of a .env file below look.
func (a *assembly) variables(look lookup, path string, optional bool, at spot) lookup {
	in := a.open(path)
	switch {
	case in == nil:
		a.fail(at, "", fmt.Sprintf("the project is made of more than %d files", maxFiles), "")
		return look
	case optional && errors.Is(in.err, fs.ErrNotExist):
		return look
	case in.err != nil:
		a.fail(spot{file: a.show(path)}, "", "the variables cannot be read: "+reason(in.err), "")
		return look
	}
	with, err := look.with(in.data)
	if bound, ok := errors.AsType[boundError](err); ok {
		a.fail(spot{file: a.show(path)}, "", "the variables cannot be read: "+bound.Error(), "")
		return look
	}
	if err != nil {
		if a.problem == nil { // without the text of the error: it may quote secrets
			a.problem = &config.Problem{Severity: config.Error, File: a.show(path), Line: lineIn(err.Error()),
				Message: "the variables cannot be read: the line is not NAME=value"}
		}
		return look
	}
	return with
}

// extension resolves the extends of one file's services.
type extension struct {
	*assembly
	own    model // with what is included
	file   string
	dir    string
	look   lookup
	done   model
	others map[string]*extension // by path
}

// extended are the parts of a service with those that it extends below.
func (e *extension) extended(name string, depth int) []part {
	own := e.own[name]
	if len(own) == 0 || e.problem != nil {
		return own
	}
	if parts, ok := e.done[name]; ok {
		return parts
	}
	last := own[len(own)-1]
	extends := child(last.node, "extends")
	if last.file != e.file || isNull(extends) {
		return own
	}
	at := spot{e.file, extends}
	if depth > maxDeep {
		e.fail(at, name, "the service extends itself, or too deeply", "")
		return nil
	}
	ref, file := strings.Join(texts(extends, e.look), ""), ""
	if extends.Kind == yaml.MappingNode {
		ref = strings.Join(texts(child(extends, "service"), e.look), "")
		file = strings.Join(texts(child(extends, "file"), e.look), "")
	}
	base := e
	if file != "" {
		base = e.elsewhere(absolute(e.dir, file), at)
	}
	if e.problem != nil {
		return nil
	}
	if _, ok := base.own[ref]; !ok {
		e.fail(at, name, fmt.Sprintf("it extends the service %q, which is not in %s", ref, base.file), "")
		return nil
	}
	parts := slices.Concat(base.extended(ref, depth+1), own)
	if e.parts += len(parts); e.parts > maxFiles*maxFiles {
		e.fail(at, name, "the services extend too many others", "")
	}
	if e.done == nil {
		e.done = model{}
	}
	e.done[name] = parts
	return parts
}

// elsewhere is another file, whose services can be extended.
func (e *extension) elsewhere(path string, at spot) *extension {
	if x := e.others[path]; x != nil {
		return x
	}
	out := e.read(path, at)
	if e.problem != nil {
		return nil
	}
	x := &extension{assembly: e.assembly, own: model{}, file: e.show(path), dir: filepath.Dir(path), look: e.look}
	for _, root := range out.roots {
		each(child(root, "services"), func(name, node *yaml.Node) {
			x.own[name.Value] = append(x.own[name.Value], part{file: x.file, dir: x.dir, node: node, look: x.look})
		})
	}
	if e.others == nil {
		e.others = map[string]*extension{}
	}
	e.others[path] = x
	return x
}

// texts are a string, or a list of them, with their variables resolved.
func texts(n *yaml.Node, look lookup) []string {
	if isNull(n) {
		return nil
	}
	var out []string
	add := func(n, _ *yaml.Node) {
		if n.Kind == yaml.ScalarNode {
			if s, err := substitute(n.Value, look); err == nil {
				out = append(out, s)
			}
		}
	}
	if add(n, nil); n.Kind == yaml.SequenceNode {
		each(n, add)
	}
	return out
}

func absolute(dir, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(dir, path)
}
