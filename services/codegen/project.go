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

// projectFolder has the skeletons of files that are there once a project; the
// others have the names of languages.
const projectFolder = "project"

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

func (p *plan) program(a *part) program {
	return program{
		Slug: p.slug, Name: a.name, Language: a.node.Language, Port: a.port, User: programUser,
		Module: p.slug + "-" + a.name + "." + contract.AppsDomain, Client: p.slug + "." + a.name,
		Queues:   a.queues,
		Consumes: slices.ContainsFunc(a.queues, func(s *subscription) bool { return s.Consumes }),
		Produces: slices.ContainsFunc(a.queues, func(s *subscription) bool { return s.Produces }),
	}
}

// project are the files that a graph adds to its template's.
func (g *Generator) project(req contract.GenerateCodeRequest, v values) (*plan, []contract.File, error) {
	slug := req.Slug
	if slug == "" {
		slug = packageName(req.ProjectID)
	}
	p, err := newPlan(slug, req.Graph)
	if err != nil {
		return nil, nil, err
	}
	p.title, p.description = v.Title, v.Description
	compose, err := p.compose()
	if err != nil {
		return nil, nil, fmt.Errorf("generate compose.yaml: %w", err)
	}
	files, err := p.kubernetes()
	if err != nil {
		return nil, nil, fmt.Errorf("generate manifests: %w", err)
	}
	files = append(files, contract.File{Path: "compose.yaml", Content: compose})
	about, err := g.skeletons[projectFolder].execute("", p.overview())
	if err != nil {
		return nil, nil, err
	}
	files = append(files, about...)
	for _, a := range p.programs() {
		code, err := g.skeletons[a.node.Language].execute(folderOf(a), p.program(a))
		if err != nil {
			return nil, nil, err
		}
		files = append(files, code...)
	}
	return p, files, nil
}

// overview fills the README in.
type overview struct {
	Slug, Title, Description string
	Parts                    []overviewPart
	Passwords                []string
	Routed                   bool
}

type overviewPart struct {
	Name, Type, Language, Folder string
	Port                         int
	Needs, Hosts                 []string
	Produces                     []string // names of queues
	Start                        string
}

func (p *plan) overview() overview {
	o := overview{Slug: p.slug, Title: p.title, Description: p.description}
	for _, a := range p.parts {
		about := overviewPart{Name: a.name, Type: a.node.Type, Port: a.port}
		for _, n := range a.needs {
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

// commandLine is what a person types in place of a runtime. None of its words
// needs quoting.
func commandLine(r contract.Run) string {
	var commands []string
	for _, c := range append(slices.Clone(r.Build), r.Command) {
		commands = append(commands, strings.Join(c, " "))
	}
	return strings.Join(commands, " && ")
}
