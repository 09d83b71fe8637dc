package compose

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"axion/gateway/config"
	"axion/gateway/provider/watched"

	"go.yaml.in/yaml/v4"
)

// MaxFiles bounds how many files one project may be made of, and maxDeep how
// deep they may include and extend each other.
const (
	MaxFiles = 1000
	maxDeep  = 30
)

// definition is what one place says of a compose service.
type definition struct {
	file string // as shown
	dir  string // what its paths are relative to
	node *yaml.Node
	look Lookup
}

// definitions are the parts of each service, the least important first.
type definitions map[string][]definition

// composer puts a project together from its files, as compose does: extended
// services and included files lie below what refers to them, and each file below
// the next one.
type composer struct {
	open    func(path string) *watched.File // notes that the project depends on the file
	show    func(path string) string
	parts   int
	problem *config.Problem // the first; all is void with it
}

// location is where a file is referred to.
type location struct {
	file string
	node *yaml.Node
}

func (c *composer) fail(at location, service, message, hint string) {
	if c.problem != nil {
		return
	}
	c.problem = &config.Problem{Severity: config.Error, File: at.file, Service: service, Message: message, Fix: hint}
	if at.node != nil {
		c.problem.Line = at.node.Line
	}
}

// read is the outline of a file, or nil if there is a problem.
func (c *composer) read(path string, at location) *parsedFile {
	in := c.open(path)
	if in == nil {
		c.fail(at, "", fmt.Sprintf("the project is made of more than %d files", MaxFiles), "")
		return nil
	}
	if in.Err != nil {
		message := "the file cannot be read: " + in.Reason()
		if errors.Is(in.Err, fs.ErrNotExist) {
			message = "there is no such file"
		}
		c.fail(at, "", fmt.Sprintf("%s: %s", c.show(path), message), "check the name")
		return nil
	}
	parsed, ok := in.Parsed.(*parseResult)
	if !ok {
		parsed = &parseResult{}
		parsed.file, parsed.problem = parse(c.show(path), in.Data)
		in.Parsed = parsed
	}
	if parsed.problem != nil && c.problem == nil {
		c.problem = parsed.problem
	}
	return parsed.file
}

// parseResult is what the files keep of one that was parsed.
type parseResult struct {
	file    *parsedFile
	problem *config.Problem
}

// files assembles a project, or one that is included, of its files. above are
// the files that lead here.
func (c *composer) files(paths []string, dir string, look Lookup, at location, above []string) definitions {
	all := definitions{}
	for _, path := range paths {
		if slices.Contains(above, path) || len(above) > maxDeep {
			c.fail(at, "", fmt.Sprintf("%s is included by itself, or too deeply", c.show(path)), "")
			return nil
		}
		out := c.read(path, at)
		if c.problem != nil {
			return nil
		}
		c.addFile(all, out, c.show(path), dir, look, append(slices.Clone(above), path))
	}
	return all
}

// addFile adds one file to the definitions.
func (c *composer) addFile(all definitions, out *parsedFile, file, dir string, look Lookup, above []string) {
	for _, root := range out.roots {
		own := definitions{}
		if include := child(root, "include"); include != nil {
			each(include, func(entry, _ *yaml.Node) { c.include(own, location{file, entry}, dir, look, above) })
		}
		services := child(root, "services")
		if services == nil {
			continue
		}
		each(services, func(name, node *yaml.Node) {
			p := definition{file: file, dir: dir, node: node, look: look}
			if have := own[name.Value]; len(have) > 0 && have[len(have)-1].file == file {
				have[len(have)-1] = p // merged by <<, and written again
				return
			}
			own[name.Value] = append(own[name.Value], p)
		})
		e := &extendsResolver{composer: c, own: own, file: file, dir: dir, look: look}
		for name := range own {
			all[name] = append(all[name], e.extended(name, 0)...)
			if c.problem != nil {
				return
			}
		}
	}
}

// include adds the services of an entry of include to those of the file.
func (c *composer) include(own definitions, at location, dir string, look Lookup, above []string) {
	paths, env := texts(at.node, look), []string(nil)
	projectDir := ""
	if at.node.Kind == yaml.MappingNode {
		paths = texts(child(at.node, "path"), look)
		env = texts(child(at.node, "env_file"), look)
		projectDir = strings.Join(texts(child(at.node, "project_directory"), look), "")
	}
	if len(paths) == 0 {
		c.fail(at, "", "the entry of include names no file", "write the path of a compose file")
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
			look = c.variables(look, absolute(dir, path), optional, at)
		}
	}
	if c.problem != nil {
		return
	}
	for name, parts := range c.files(paths, projectDir, look, at, above) {
		own[name] = append(own[name], parts...)
	}
}

// variables puts those of a .env file below look.
func (c *composer) variables(look Lookup, path string, optional bool, at location) Lookup {
	in := c.open(path)
	switch {
	case in == nil:
		c.fail(at, "", fmt.Sprintf("the project is made of more than %d files", MaxFiles), "")
		return look
	case optional && errors.Is(in.Err, fs.ErrNotExist):
		return look
	case in.Err != nil:
		c.fail(location{file: c.show(path)}, "", "the variables cannot be read: "+in.Reason(), "")
		return look
	}
	with, err := look.with(in.Data)
	if bound, ok := errors.AsType[boundError](err); ok {
		c.fail(location{file: c.show(path)}, "", "the variables cannot be read: "+bound.Error(), "")
		return look
	}
	if err != nil {
		if c.problem == nil { // without the text of the error: it may quote secrets
			c.problem = &config.Problem{Severity: config.Error, File: c.show(path), Line: lineIn(err.Error()),
				Message: "the variables cannot be read: the line is not NAME=value"}
		}
		return look
	}
	return with
}

// texts are a string, or a list of them, with their variables resolved.
func texts(n *yaml.Node, look Lookup) []string {
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
