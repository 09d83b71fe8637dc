// Package compose reads a compose file for a stack that runs its services without a
// container engine: who provides each service, what it needs first, and how the names
// that it calls others by become addresses of this machine.
package compose

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"

	"axion/web/view"
)

// Options say what is read.
type Options struct {
	Files    []string // the first one's directory is the project's
	Env      []string // "KEY=value", for ${KEY}; the directory's .env is read too
	Profiles []string // that are on
	Docker   bool     // containers may be run
	Accept   bool     // run what [Service.Proposal] says
}

// Project is what a compose file wants to have run.
type Project struct {
	Name     string
	Dir      string // absolute
	Services []*Service
	Volumes  types.Volumes
	// Inactive are the services whose profiles, which are all off, these are.
	Inactive map[string][]string
	Problems []view.Problem
}

// Service is one service of a [Project].
type Service struct {
	types.ServiceConfig
	Run      Run
	Provider Provider
	Kind     Kind
	Reason   string    // why this provider
	Notes    []string  // what will differ from the container
	Proposal *Proposal // of a command that nobody has accepted yet; nil for none
	Argv     []string  // what a process runs
	Dir      string    // where it runs; absolute
	File     string
	Line     int
	// Paths are files of this machine by where a container has them: the secrets.
	Paths map[string]string

	places locations
}

// Read reads a project. What is wrong with one service is among the project's problems;
// the error is of what leaves nothing to run.
func Read(ctx context.Context, o Options) (*Project, error) {
	model, err := load(ctx, o)
	if err != nil {
		return nil, err
	}
	p := &Project{Name: model.Name, Dir: model.WorkingDir, Volumes: model.Volumes, Inactive: map[string][]string{}}
	for name, s := range model.DisabledServices {
		p.Inactive[name] = s.Profiles
	}
	places := locate(o.Files)
	personal, err := readPersonal(p.Dir)
	if err != nil {
		return nil, err
	}
	p.checkNames(personal, model.Services)
	order, err := startOrder(model.Services, places)
	if err != nil {
		return nil, err
	}
	for _, name := range order {
		s := &Service{ServiceConfig: model.Services[name], places: places}
		s.File, s.Line = places.service(name)
		if err := s.readFiles(model); err != nil {
			p.problem(s, view.SeverityError, err)
		}
		if err := s.Run.read(s.Extensions, personal.Services[name]); err != nil {
			p.problem(s, view.SeverityError, err)
		}
		if err := s.classify(p.Dir, o); err != nil {
			p.problem(s, view.SeverityError, err)
		}
		if s.Provider == "" {
			s.Provider, s.Reason = ByUser, "what the file says of it cannot be followed"
		}
		if s.Provider == ByProcess {
			s.noteUnfollowed(model.Secrets)
		}
		if i := slices.IndexFunc(p.Services, func(o *Service) bool { return o.Kind == Kafka }); s.Kind == Kafka && i >= 0 {
			s.Notes = []string{"it is one broker with " + p.Services[i].Name + ", whose settings count"}
		}
		p.Services = append(p.Services, s)
	}
	return p, nil
}

// checkNames reports services of the personal file that the compose file does not have.
func (p *Project) checkNames(personal personal, services types.Services) {
	for name := range personal.Services {
		if _, ok := services[name]; !ok && p.Inactive[name] == nil {
			p.Problems = append(p.Problems, view.Problem{
				Severity: view.SeverityError, File: personal.file, Line: personal.lines[name], Service: name,
				Message: "the compose file has no such service", Hint: "use the name of a service under services:",
			})
		}
	}
}

// Service is the service of that name, or nil.
func (p *Project) Service(name string) *Service {
	i := slices.IndexFunc(p.Services, func(s *Service) bool { return s.Name == name })
	if i < 0 {
		return nil
	}
	return p.Services[i]
}

func (p *Project) problem(s *Service, severity view.Severity, err error) {
	found := view.Problem{Severity: severity, File: s.File, Line: s.Line, Service: s.Name, Message: err.Error()}
	if at, ok := errors.AsType[keyError](err); ok {
		found.File, found.Line = s.Where(at.key)
	}
	if with, ok := errors.AsType[interface {
		error
		Hint() string
	}](err); ok {
		found.Hint = with.Hint()
	}
	p.Problems = append(p.Problems, found)
}

// load has compose's own loader read the files.
func load(ctx context.Context, o Options) (*types.Project, error) {
	options, err := cli.NewProjectOptions(o.Files, cli.WithWorkingDirectory(filepath.Dir(o.Files[0])), cli.WithEnv(o.Env),
		cli.WithEnvFiles(), cli.WithDotEnv, cli.WithProfiles(o.Profiles), cli.WithoutEnvironmentResolution, cli.WithoutLabelsResolution,
		cli.WithLoadOptions(func(l *loader.Options) { l.SkipConsistencyCheck = true })) // a cycle is found with its line
	if err != nil {
		return nil, fmt.Errorf("compose file %s: %w", o.Files[0], err)
	}
	project, err := options.LoadProject(ctx)
	if err != nil {
		return nil, loadError(err, o.Files)
	}
	return project, nil
}

// hintError is an error that says how to mend what it is about.
type hintError struct {
	error
	hint string
}

func (e hintError) Hint() string  { return e.hint }
func (e hintError) Unwrap() error { return e.error }
