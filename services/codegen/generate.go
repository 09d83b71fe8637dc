package codegen

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"

	"axion/services/contract"
)

// UnknownTemplateError says that there is no such template, and which there are.
type UnknownTemplateError struct {
	Name  string
	Known []string
}

// Error names the template and the known ones.
func (e *UnknownTemplateError) Error() string {
	return fmt.Sprintf("unknown template %q; there are %s", e.Name, strings.Join(e.Known, ", "))
}

// Generator turns requests into files. It is safe for concurrent use.
type Generator struct {
	templates map[string]folder
	skeletons map[string]folder // by language, and those of the project itself
}

// values fill a blueprint in.
type values struct {
	ProjectID, Template         string
	Title, Description, Package string
	Accent                      string
}

// NewGenerator parses the blueprints: one folder a template, whose files end in
// ".tmpl" and are Go text templates.
func NewGenerator(blueprints fs.FS) (*Generator, error) {
	templates, err := readFolders(blueprints)
	if err != nil {
		return nil, fmt.Errorf("read blueprints: %w", err)
	}
	skeletons, err := readSkeletons()
	if err != nil {
		return nil, fmt.Errorf("read skeletons: %w", err)
	}
	return &Generator{templates: templates, skeletons: skeletons}, nil
}

// Templates are the names of what can be generated, sorted.
func (g *Generator) Templates() []string { return slices.Sorted(maps.Keys(g.templates)) }

// Generate returns the files of one project, ordered by path. The same request
// gives the same bytes. A graph adds a compose file, manifests, and a skeleton for each
// service to the template's files. An unknown template is an [UnknownTemplateError], a
// graph that cannot be generated a [GraphError].
func (g *Generator) Generate(req contract.GenerateCodeRequest) (*contract.GenerateCodeReply, error) {
	name := req.Template
	if name == "" {
		name = contract.DefaultTemplate
	}
	blueprint, ok := g.templates[name]
	if !ok {
		return nil, &UnknownTemplateError{Name: name, Known: g.Templates()}
	}
	data, err := fill(name, req)
	if err != nil {
		return nil, err
	}
	reply := &contract.GenerateCodeReply{Template: name}
	if reply.Files, err = blueprint.execute("", data); err != nil {
		return nil, err
	}
	var l *layout
	if req.Graph != nil && len(req.Graph.Nodes) > 0 {
		var files []contract.File
		l, files, err = g.project(req, data)
		if err != nil {
			return nil, err
		}
		own := map[string]bool{}
		for _, f := range files {
			own[f.Path] = true
		}
		reply.Files = append(slices.DeleteFunc(reply.Files, func(f contract.File) bool { return own[f.Path] }), files...)
	}
	if reply.Run, err = run(req, name, l); err != nil {
		return nil, err
	}
	slices.SortFunc(reply.Files, func(a, b contract.File) int { return strings.Compare(a.Path, b.Path) })
	return reply, nil
}

// ConfigError says which field of a project's config a template cannot use.
type ConfigError struct{ Field, Reason string }

// Error names the field.
func (e *ConfigError) Error() string { return fmt.Sprintf("config field %q: %s", e.Field, e.Reason) }

const (
	defaultAccent = "#2f5fd0"
	maxText       = 500
)

var color = regexp.MustCompile(`^#[0-9a-fA-F]{3}(?:[0-9a-fA-F]{3})?$`)

// fill reads what the templates use out of the project's free-form config.
func fill(name string, req contract.GenerateCodeRequest) (values, error) {
	v := values{
		ProjectID: req.ProjectID, Template: name, Accent: defaultAccent,
		Title: req.Name, Description: "A project generated and deployed by axion.",
	}
	if v.Title == "" {
		v.Title = "Project " + req.ProjectID
	}
	v.Package = packageName(v.Title)
	config := map[string]json.RawMessage{}
	if len(req.Config) > 0 {
		if err := json.Unmarshal(req.Config, &config); err != nil {
			return v, &ConfigError{"config", "must be a JSON object"}
		}
	}
	for _, f := range []struct {
		name string
		to   *string
	}{{"title", &v.Title}, {"description", &v.Description}, {"accent", &v.Accent}} {
		raw, ok := config[f.name]
		if !ok || string(raw) == "null" {
			continue
		}
		if err := json.Unmarshal(raw, f.to); err != nil {
			return v, &ConfigError{f.name, "must be a string"}
		}
		if len(*f.to) > maxText {
			return v, &ConfigError{f.name, fmt.Sprintf("must not be longer than %d bytes", maxText)}
		}
	}
	if !color.MatchString(v.Accent) {
		return v, &ConfigError{"accent", "must be a colour such as #2f5fd0"}
	}
	v.Title = oneLine(v.Title)
	v.Description = oneLine(v.Description)
	return v, nil
}

// oneLine folds white space, so that no value opens a line of its own in a
// generated file.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
