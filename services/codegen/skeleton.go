package codegen

import (
	"bytes"
	"embed"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/template"

	"axion/services/contract"
)

//go:embed skeletons
var skeletons embed.FS

var goSkeleton = template.Must(template.New("go").Funcs(template.FuncMap{"json": toJSON}).ParseFS(skeletons, "skeletons/go/*.tmpl"))

// notInService are the files of the NestJS template that belong to a project of its
// own.
var notInService = []string{"compose.yaml", "README.md"}

// fromGraph are the files that a graph adds to its template's.
func (g *Generator) fromGraph(req contract.GenerateCodeRequest, v values) ([]contract.File, error) {
	d, err := newDesign(req, v.Title)
	if err != nil {
		return nil, err
	}
	text, err := d.compose()
	if err != nil {
		return nil, fmt.Errorf("generate compose.yaml: %w", err)
	}
	files, err := d.kubernetes()
	if err != nil {
		return nil, fmt.Errorf("generate manifests: %w", err)
	}
	files = append(files, contract.File{Path: "compose.yaml", Content: text}, contract.File{Path: "README.md", Content: d.readme()})
	for _, p := range d.sorted() {
		if !p.program() {
			continue
		}
		var code []contract.File
		if p.Language == "go" {
			code, err = p.goFiles(d)
		} else {
			code, err = g.nestFiles(p, v)
		}
		if err != nil {
			return nil, err
		}
		for _, f := range code {
			f.Path = "services/" + p.name + "/" + f.Path
			files = append(files, f)
		}
	}
	return files, nil
}

func (p *part) goFiles(d *design) ([]contract.File, error) {
	data := struct {
		Name, Project string
		Port          int
	}{p.name, oneLine(d.project), p.port}
	var files []contract.File
	for _, t := range goSkeleton.Templates() {
		if !strings.HasSuffix(t.Name(), suffix) {
			continue
		}
		var out bytes.Buffer
		if err := t.Execute(&out, data); err != nil {
			return nil, fmt.Errorf("generate %s: %w", p.name, err)
		}
		files = append(files, contract.File{Path: strings.TrimSuffix(t.Name(), suffix), Content: out.String()})
	}
	return append(files, contract.File{Path: ".dockerignore", Content: "Dockerfile\n.git\n"}), nil
}

func (g *Generator) nestFiles(p *part, v values) ([]contract.File, error) {
	v.Package, v.Title = p.name, p.name
	var files []contract.File
	for _, b := range g.templates[contract.NestJSTemplate] {
		if slices.Contains(notInService, b.path) {
			continue
		}
		var out bytes.Buffer
		if err := b.tmpl.Execute(&out, v); err != nil {
			return nil, fmt.Errorf("generate %s: %w", p.name, err)
		}
		files = append(files, contract.File{Path: b.path, Content: out.String()})
	}
	return append(files, contract.File{Path: ".dockerignore", Content: "Dockerfile\n.git\nnode_modules\ndist\n"}), nil
}

// readme says how to run it all.
func (d *design) readme() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\nGenerated from its architecture graph.\n\n    docker compose up --build\n    kubectl apply -k k8s\n\n", oneLine(d.project))
	b.WriteString("The routes are Traefik labels in `compose.yaml`: `axion -f compose.yaml` serves them for\nprocesses that you run yourself.\n\n| part | type | port | depends on |\n|---|---|---|---|\n")
	for _, p := range d.sorted() {
		var needs []string
		for _, l := range p.asks {
			needs = append(needs, l.to.name)
		}
		port := p.port
		if i, ok := images[p.Type]; ok {
			port = i.port
		}
		at := fmt.Sprint(port)
		if p.Type == contract.NodeIngress {
			at = d.hostOf(p)
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", p.name, p.Type, at, strings.Join(needs, ", "))
	}
	return b.String()
}

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
