// Package provider reads the gateway's configuration: labels of compose files and
// running containers, and Traefik's dynamic configuration files. It keeps it
// current while they change.
package provider

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"axion/gateway/config"
	"axion/gateway/dynamic"
	"axion/gateway/label"
	"axion/gateway/provider/compose"
	"axion/gateway/provider/merge"
	"axion/gateway/provider/watched"
	"axion/gateway/rule"
)

// Source is a compose document that is not read from a file.
type Source struct {
	Name string // shown as the file in problems and origins
	Data []byte
}

// Containers are those that run, as a container engine knows them.
type Containers interface {
	// Run calls changed with all of them, at first and whenever they change, one
	// call at a time, until ctx ends; then it returns nil. An error means that
	// no call follows; the containers are then those of an empty list, sent before.
	Run(ctx context.Context, changed func([]label.Service)) error
}

// Options of a [Provider].
type Options struct {
	// Base is layer 0, below every file. Empty means none.
	Base []Source
	// Files are the user's: compose files make up one project, layer 1, in which
	// each one overrides those before, as with docker compose -f a -f b. A .env
	// file beside the first gives it variables. Files of Traefik's dynamic
	// configuration, and directories of such, are layer 1 too.
	Files []string
	// Dir is a directory of compose fragments (*.yaml, *.yml), each a project of
	// its own, together the highest layer. It is created where missing. Empty
	// means none.
	Dir string
	// Containers are layer 2: a container that runs takes the place of its compose
	// service. Nil means none.
	Containers Containers
	// Addresses gives the real "host:port" of compose services that run inside
	// this process, in place of what their ports say. One of the base layer with an
	// empty list is nowhere: its port is not asked.
	Addresses map[string][]string
	// EnvLookup resolves ${VAR}. Nil means os.LookupEnv.
	EnvLookup func(string) (string, bool)
	// RequireEnable is Traefik's exposedByDefault=false: a service needs
	// traefik.enable=true. False serves every service with a traefik label, but
	// for projects that start Traefik itself with that option.
	RequireEnable bool
	// DataDir is the directory of the stack's own state. Beside the folder of its own
	// compose file it is the only place where a project's settings have files
	// written. Empty means none.
	DataDir string
	// Rules keeps the rules of labels that are parsed. Nil keeps none.
	Rules *rule.Cache
	// Check finds what is wrong with a whole configuration beyond what can be seen
	// in one file, such as a router whose middleware does not exist. An error
	// counts as one of the File that it names. Nil means nothing.
	Check  func(*config.Dynamic) []config.Problem
	limits *bounds // nil means defaultBounds; for tests

	// Log receives what is wrong with a file, once for each distinct save, and
	// every reload. Nil discards.
	Log *slog.Logger
}

// Provider holds the merged configuration of its sources. Dynamic, Problems
// and Text are safe for concurrent use; Run is to be called once.
type Provider struct {
	log         *slog.Logger
	check       func(*config.Dynamic) []config.Problem
	loader      loader
	containers  Containers
	fragments   folder   // of compose fragments; no path for none
	folders     []folder // of dynamic files that the user named
	files       *watched.Files
	sources     []*source
	watchedDirs map[string]bool  // directories that sources were found in
	running     []label.Service  // the containers as received last
	missing     []config.Problem // what is not found, or left out
	limits      bounds
	started     bool
	inForce     []*merge.Document
	memos       merge.Memos
	relocated   relocations
	dynamic     atomic.Pointer[config.Dynamic]
	texts       atomic.Pointer[[][]fileText] // by source
}

// folder is a directory of files.
type folder struct {
	path  string // absolute
	shown string
}

// New reads every source once. A base layer or file that cannot be read, or is
// no compose file, is an error that has a Hint method. What is wrong with labels
// or with a fragment is in the Problems of [Provider.Dynamic]: only the compose
// service or fragment in question is left out.
func New(opts Options) (*Provider, error) {
	p := &Provider{log: opts.Log, check: opts.Check, containers: opts.Containers, files: watched.NewFiles(), relocated: newRelocations()}
	p.loader = loader{ctx: context.Background(), Reader: compose.Reader{Env: opts.EnvLookup, Addresses: opts.Addresses,
		RequireEnable: opts.RequireEnable, Rules: opts.Rules}}
	if p.loader.Env == nil {
		p.loader.Env = os.LookupEnv
	}
	if dir, err := filepath.Abs(opts.DataDir); err == nil && opts.DataDir != "" {
		p.loader.DataDir = dir
	}
	if p.limits = defaultBounds; opts.limits != nil {
		p.limits = *opts.limits
	}
	if p.log == nil {
		p.log = slog.New(slog.DiscardHandler)
	}
	if p.check == nil {
		p.check = func(*config.Dynamic) []config.Problem { return nil }
	}
	for _, s := range opts.Base {
		p.sources = append(p.sources, &source{name: s.Name, base: &s, layer: merge.BaseLayer, dir: "."})
	}
	if err := p.openFiles(opts.Files); err != nil {
		return nil, err
	}
	if err := p.openDir(opts.Dir); err != nil {
		return nil, err
	}
	if p.containers != nil {
		p.sources = append(p.sources, &source{name: "containers", containers: true, layer: merge.ContainerLayer})
	}
	p.scan(nil)
	for _, s := range p.sources {
		if s.fault != nil && s.from == "" {
			return nil, *s.fault
		}
	}
	p.resolve()
	p.started = true
	return p, nil
}

// openFiles adds the user's files as sources, each of its kind.
func (p *Provider) openFiles(names []string) error {
	var projectFiles []string
	for _, name := range names {
		abs, err := filepath.Abs(name)
		if err != nil {
			return fmt.Errorf("locate %s: %w", name, err)
		}
		if info, err := os.Stat(abs); err == nil && info.IsDir() {
			p.folders = append(p.folders, folder{abs, name})
			continue
		}
		if in := p.files.Open(abs); isDynamicText(name, in.Data) {
			p.sources = append(p.sources, newDynamic(abs, name, ""))
			continue
		}
		projectFiles = append(projectFiles, name)
	}
	if len(projectFiles) == 0 {
		return nil
	}
	s, err := newProject(projectFiles, merge.FileLayer)
	p.sources = append(p.sources, s)
	return err
}

// isDynamicText reports whether a file that the user named is of Traefik's dynamic configuration.
func isDynamicText(name string, data []byte) bool {
	return strings.HasSuffix(name, ".toml") || !isCompose(data) && dynamic.IsDynamicConfig(data)
}

// isCompose reports whether a file plainly has services: then it need not be parsed.
func isCompose(data []byte) bool {
	return bytes.HasPrefix(data, []byte("services:")) || bytes.Contains(data, []byte("\nservices:"))
}

func (p *Provider) openDir(dir string) error {
	if dir == "" {
		return nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("create the directory of compose fragments: %w", err)
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("locate %s: %w", dir, err)
	}
	p.fragments = folder{abs, dir}
	return nil
}

// Dynamic is the configuration in force. It must not be changed.
func (p *Provider) Dynamic() *config.Dynamic { return p.dynamic.Load() }

// Problems lists what is wrong with the sources as they are now, refused
// versions included. They are those of [Provider.Dynamic].
func (p *Provider) Problems() []config.Problem { return p.Dynamic().Problems }
