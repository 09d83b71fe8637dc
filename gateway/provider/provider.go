// Package provider reads the gateway's configuration from the labels of compose
// files and keeps it current while they change.
package provider

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"axion/gateway/config"
)

// Source is a compose document that is not read from a file.
type Source struct {
	Name string // shown as the file in problems and origins
	Data []byte
}

// Options of a [Provider].
type Options struct {
	// Base is layer 0, below every file. Empty means none.
	Base []Source
	// Files are compose files, each a layer above the one before. A .env file
	// beside one gives it variables, as compose does.
	Files []string
	// Dir is a directory of compose fragments (*.yaml, *.yml), together the
	// highest layer. It is created where missing. Empty means none.
	Dir string
	// Addresses gives the real "host:port" of compose services that run inside
	// this process, in place of what their ports say.
	Addresses map[string][]string
	// EnvLookup resolves ${VAR}. Nil means os.LookupEnv.
	EnvLookup func(string) (string, bool)
	// RequireEnable is Traefik's exposedByDefault=false: a service needs
	// traefik.enable=true. False serves every service with a traefik label, but
	// for files that start Traefik itself with that option.
	RequireEnable bool
	// Check tells what is wrong with a whole configuration beyond what can be seen
	// in one file, such as a router whose middleware does not exist. An error
	// counts as one of the File that it names. Nil means nothing.
	Check func(*config.Dynamic) []config.Problem
	// Log receives what is wrong with a file, once for each distinct save, and
	// every reload. Nil discards.
	Log *slog.Logger
}

// Provider holds the merged configuration of its sources. Dynamic and Problems
// are safe for concurrent use; Run is to be called once.
type Provider struct {
	log     *slog.Logger
	check   func(*config.Dynamic) []config.Problem
	loader  *loader
	dir     string // absolute; empty for none
	dirName string // as the user gave it
	top     int    // layer of its fragments
	files   []*file
	started bool
	dynamic atomic.Pointer[config.Dynamic]
}

// New reads every source once. A base layer or file that cannot be read, or is
// no compose file, is an error that has a Mend method. What is wrong with labels
// or with a fragment is in the Problems of [Provider.Dynamic]: only the compose
// service or fragment in question is left out.
func New(opts Options) (*Provider, error) {
	p := &Provider{log: opts.Log, check: opts.Check, loader: newLoader(opts), dirName: opts.Dir, top: len(opts.Files) + 1}
	if p.log == nil {
		p.log = slog.New(slog.DiscardHandler)
	}
	if p.check == nil {
		p.check = func(*config.Dynamic) []config.Problem { return nil }
	}
	for _, s := range opts.Base {
		p.files = append(p.files, &file{name: s.Name, base: s.Data, workDir: "."})
	}
	for i, name := range opts.Files {
		abs, err := filepath.Abs(name)
		if err != nil {
			return nil, fmt.Errorf("locate %s: %w", name, err)
		}
		p.files = append(p.files, &file{name: name, path: abs, layer: i + 1, workDir: filepath.Dir(abs), env: filepath.Join(filepath.Dir(abs), ".env")})
	}
	for _, f := range p.files {
		if f.refresh(p.loader, true, time.Now()); f.fault != nil {
			return nil, *f.fault
		}
	}
	if err := p.openDir(opts.Dir); err != nil {
		return nil, err
	}
	p.scan(nil)
	p.resolve()
	p.started = true
	return p, nil
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
	p.dir = abs
	return nil
}

// Dynamic is the configuration in force. It must not be changed.
func (p *Provider) Dynamic() *config.Dynamic { return p.dynamic.Load() }

// Problems lists what is wrong with the sources as they are now, refused
// versions included. They are those of [Provider.Dynamic].
func (p *Provider) Problems() []config.Problem { return p.Dynamic().Problems }
