package codegen

import (
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"axion/services/contract"
)

//go:embed all:skeleton
var skeletons embed.FS

// projectFolder has the skeletons of files that a project has once; the other folders have
// the names of languages.
const projectFolder = "project"

// readSkeletons reads the skeletons, by language.
func readSkeletons() (map[string]folder, error) {
	files, err := fs.Sub(skeletons, "skeleton")
	if err != nil {
		return nil, err
	}
	return readFolders(files)
}

// program fills a skeleton in.
type program struct {
	Slug, Name, Language string
	Module               string // of Go
	Client               string // of Kafka
	Port, User           int
	Queues               []*subscription
	Consumes, Produces   bool // any of them
}

// program returns what fills the skeleton of a program in.
func (l *layout) program(a *component) program {
	return program{
		Slug: l.slug, Name: a.name, Language: a.node.Language, Port: a.port, User: programUser,
		Module: l.slug + "-" + a.name + "." + contract.AppsDomain, Client: l.slug + "." + a.name,
		Queues:   a.queues,
		Consumes: slices.ContainsFunc(a.queues, func(s *subscription) bool { return s.Consumes }),
		Produces: slices.ContainsFunc(a.queues, func(s *subscription) bool { return s.Produces }),
	}
}

// project generates the files that a graph adds to its template's.
func (g *Generator) project(req contract.GenerateCodeRequest, v values) (*layout, []contract.File, error) {
	slug := req.Slug
	if slug == "" {
		slug = packageName(req.ProjectID)
	}
	l, err := newLayout(slug, req.Graph)
	if err != nil {
		return nil, nil, err
	}
	l.title, l.description = v.Title, v.Description
	compose, err := writeCompose(l.slug, l.components)
	if err != nil {
		return nil, nil, fmt.Errorf("generate compose.yaml: %w", err)
	}
	files, err := (&manifests{slug: l.slug}).files(l.components, l.ingresses)
	if err != nil {
		return nil, nil, fmt.Errorf("generate manifests: %w", err)
	}
	files = append(files, contract.File{Path: "compose.yaml", Content: compose})
	about, err := g.skeletons[projectFolder].execute("", l.readmeData())
	if err != nil {
		return nil, nil, err
	}
	files = append(files, about...)
	for _, a := range l.programs() {
		code, err := g.skeletons[a.node.Language].execute(folderOf(a), l.program(a))
		if err != nil {
			return nil, nil, err
		}
		files = append(files, code...)
	}
	return l, files, nil
}

// readmeData fills the README in.
type readmeData struct {
	Slug, Title, Description string
	Parts                    []readmeComponent
	Passwords                []string
	Routed                   bool
}

type readmeComponent struct {
	Name, Type, Language, Folder string
	Port                         int
	Needs, Hosts                 []string
	Produces                     []string // names of queues
	Start                        string
}

// readmeData returns what fills the README in.
func (l *layout) readmeData() readmeData {
	o := readmeData{Slug: l.slug, Title: l.title, Description: l.description}
	for _, a := range l.components {
		about := readmeComponent{Name: a.name, Type: a.node.Type, Port: a.port}
		for _, n := range a.startsAfter {
			about.Needs = append(about.Needs, n.name)
		}
		for _, r := range a.routes {
			about.Hosts, o.Routed = append(about.Hosts, r.host), true
		}
		for _, s := range a.queues {
			if s.Produces {
				about.Produces = append(about.Produces, s.Name)
			}
		}
		switch {
		case isProgram(a.node.Type):
			about.Language, about.Folder = a.node.Language, folderOf(a)
			about.Start = commandLine(start(a.node.Language, ""))
		case a.node.Type == contract.NodeDatabase:
			o.Passwords = append(o.Passwords, passwordOf(a))
		}
		o.Parts = append(o.Parts, about)
	}
	return o
}

// commandLine returns what a person types in place of a runtime. None of its words
// needs quotes.
func commandLine(r contract.Run) string {
	var commands []string
	for _, c := range append(slices.Clone(r.Build), r.Command) {
		commands = append(commands, strings.Join(c, " "))
	}
	return strings.Join(commands, " && ")
}
