package compose

import (
	"fmt"
	"path/filepath"
	"strings"
)

// Provider is who provides a service.
type Provider string

// Providers.
const (
	ByAxion     Provider = "axion"     // a part of the stack does what the image does
	ByBacking   Provider = "provided"  // a server is started for it
	ByProcess   Provider = "process"   // its command runs
	ByContainer Provider = "container" // a container engine runs it
	ByUser      Provider = "yours"     // it is awaited at its port
)

// Kind is what a service is, where that decides who provides it.
type Kind string

// Kinds. The empty one is any service.
const (
	Kafka     Kind = "kafka"
	ZooKeeper Kind = "zookeeper"
	Traefik   Kind = "traefik"
	Console   Kind = "console"
	Postgres  Kind = "postgres"
	Redis     Kind = "redis"
)

// Needs says what a service still needs to run: an error with a hint, or nil.
func (s *Service) Needs() error {
	if s.Provider != ByUser {
		return nil
	}
	at := "its port"
	if ports := s.PublishedPorts(); len(ports) > 0 {
		at = fmt.Sprint(ports[0])
	}
	what := s.Image
	if what == "" {
		what = s.Name
	}
	hint := fmt.Sprintf("start it on %s, or use --docker", at)
	if s.Proposal != nil {
		hint = fmt.Sprintf("accept %q (%s) with axion init or --yes, or start it on %s", s.Proposal, s.Proposal.From, at)
	}
	return hintError{fmt.Errorf("nothing here provides %s", what), hint}
}

// classify finds who provides the service.
func (s *Service) classify(project string, o Options) error {
	image, err := parseImage(s.Image)
	if err != nil {
		return err
	}
	if s.Build == nil && len(s.Run.Command) == 0 {
		s.Kind = image.kind()
	}
	s.Dir = s.directory(project)
	switch s.Kind {
	case Kafka:
		s.Provider, s.Reason = ByAxion, "the broker stands in for "+s.Image
		_, s.Notes = s.kafkaSettings()
	case ZooKeeper:
		s.Provider, s.Reason = ByAxion, "the broker needs none"
	case Traefik:
		s.Provider, s.Reason = ByAxion, "the gateway stands in for "+s.Image
	case Console:
		s.Provider, s.Reason = ByAxion, "the dashboard shows the topics"
	case Postgres, Redis:
		s.Provider, s.Reason = ByBacking, "a server is started for "+s.Image
		s.Notes = image.differences()
	default:
		return s.classifyCommand(o)
	}
	return nil
}

func (s *Service) classifyCommand(o Options) error {
	switch {
	case len(s.Run.Command) > 0:
		s.Provider, s.Argv, s.Reason = ByProcess, s.Run.Command, "x-axion gives a command"
		if s.Run.personal {
			s.Reason = PersonalFile + " gives a command"
		}
		return checkDirectory(s.Dir)
	case s.Build != nil && len(s.Entrypoint)+len(s.Command) > 0 && !o.Docker:
		s.Provider, s.Reason = ByProcess, "the file gives a command, and the folder of the build"
		s.Argv = append(append(s.Argv, s.Entrypoint...), s.Command...)
		return checkDirectory(s.Dir)
	case s.Build != nil:
		proposal, err := propose(s.Dir)
		if err != nil {
			return err
		}
		s.Proposal = proposal
		if proposal != nil && o.Accept {
			s.Provider, s.Argv, s.Reason = ByProcess, proposal.Argv, "proposed by "+proposal.From
			return nil
		}
	}
	if o.Docker {
		s.Provider, s.Reason = ByContainer, "a container engine runs it"
		return nil
	}
	s.Provider, s.Reason = ByUser, "nothing here provides it"
	return nil
}

// directory is where the service's command runs.
func (s *Service) directory(project string) string {
	dir := s.Run.Directory
	if dir == "" && s.Build != nil {
		dir = s.Build.Context
	}
	if isRemote(dir) {
		return dir
	}
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(project, dir)
	}
	if s.Run.Directory == "" && s.WorkingDir != "" && !filepath.IsAbs(s.WorkingDir) {
		dir = filepath.Join(dir, s.WorkingDir)
	}
	return dir
}

// isRemote says whether a build's context is none of this machine's folders.
func isRemote(context string) bool {
	return strings.Contains(context, "://") || strings.HasPrefix(context, "git@") || strings.HasPrefix(context, "github.com/")
}

// PublishedPorts are the ports of this machine that the service wants to be reached at.
func (s *Service) PublishedPorts() []string {
	var ports []string
	for _, p := range s.Ports {
		if p.Published != "" {
			ports = append(ports, p.Published)
		}
	}
	return ports
}
