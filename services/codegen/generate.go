package codegen

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"text/template"

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
	templates map[string][]blueprint
}

type blueprint struct {
	path string // of the generated file
	tmpl *template.Template
}

// values fill a blueprint in.
type values struct {
	ProjectID, Template         string
	Title, Description, Package string
	Accent                      string
}

// suffix marks a blueprint's files; it is not part of the generated name.
const suffix = ".tmpl"

// NewGenerator parses the blueprints: one folder a template, whose files end in
// ".tmpl" and are Go text templates.
func NewGenerator(blueprints fs.FS) (*Generator, error) {
	g := &Generator{templates: map[string][]blueprint{}}
	funcs := template.FuncMap{"json": toJSON}
	err := fs.WalkDir(blueprints, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, suffix) {
			return err
		}
		text, err := fs.ReadFile(blueprints, name)
		if err != nil {
			return err
		}
		tmpl, err := template.New(name).Funcs(funcs).Option("missingkey=error").Parse(string(text))
		if err != nil {
			return err
		}
		folder, file, _ := strings.Cut(name, "/")
		g.templates[folder] = append(g.templates[folder], blueprint{strings.TrimSuffix(file, suffix), tmpl})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read blueprints: %w", err)
	}
	return g, nil
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
	blueprints, ok := g.templates[name]
	if !ok {
		return nil, &UnknownTemplateError{Name: name, Known: g.Templates()}
	}
	data, err := fill(name, req)
	if err != nil {
		return nil, err
	}
	reply := &contract.GenerateCodeReply{Template: name}
	for _, b := range blueprints {
		var out bytes.Buffer
		if err := b.tmpl.Execute(&out, data); err != nil {
			return nil, fmt.Errorf("generate %s: %w", path.Join(name, b.path), err)
		}
		reply.Files = append(reply.Files, contract.File{Path: b.path, Content: out.String()})
	}
	if req.Graph != nil && len(req.Graph.Nodes) > 0 {
		files, err := g.fromGraph(req, data)
		if err != nil {
			return nil, err
		}
		own := map[string]bool{}
		for _, f := range files {
			own[f.Path] = true
		}
		reply.Files = append(slices.DeleteFunc(reply.Files, func(f contract.File) bool { return own[f.Path] }), files...)
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

var notPackage = regexp.MustCompile(`[^a-z0-9]+`)

// packageName makes a name that npm, compose and DNS labels all accept.
func packageName(title string) string {
	name := strings.Trim(notPackage.ReplaceAllString(strings.ToLower(title), "-"), "-")
	if len(name) > 40 {
		name = strings.TrimRight(name[:40], "-")
	}
	if name == "" || name[0] >= '0' && name[0] <= '9' {
		name = strings.TrimRight("service-"+name, "-")
	}
	return name
}

// toJSON writes a string literal that is safe in JSON and TypeScript alike.
func toJSON(v any) (string, error) {
	b, err := json.Marshal(v)
	return string(b), err
}
