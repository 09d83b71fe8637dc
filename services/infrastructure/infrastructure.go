// Package infrastructure runs generated projects. It answers PROVISION by
// serving the project's static files on a port of its own, or by running its
// command under supervision, and writing a labelled compose fragment for the
// gateway to find; and DEPROVISION by undoing both.
package infrastructure

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"axion/services/contract"
	"axion/services/host"
	"axion/services/signature"
)

//go:embed migrations
var migrations embed.FS

// Options says how the projects are reached.
type Options struct {
	// Fragments is the directory that the gateway watches for compose files.
	Fragments string
	// HTTPSPort is the gateway's, for the URLs that are handed out.
	HTTPSPort int
	// Routed waits until the gateway routes a host, so that a deployment has
	// succeeded only when its address answers. Nil means not to wait: for a
	// gateway that cannot tell. Its context ends after 5 s.
	Routed func(ctx context.Context, host string) error
	// Brokers are the Kafka seeds that processes are told of, in KAFKA_BROKERS.
	Brokers []string
	// OTLP is where processes may send telemetry over HTTP. Empty: they are told of
	// nothing.
	OTLP string
	// ProcessesDisabled says why no project may run as a process. Empty: they may.
	ProcessesDisabled string
	// Private reports who else may write into a folder or one above it, from where a
	// process could load what is not its project's; no project runs as a process where
	// that is an error. Nil: it is not looked at.
	Private func(dir string) error
}

// New returns the service. What ran when its database was last used runs again
// before New returns. The projects run in its process: a second instance waits in
// New until the first has ended, and then takes them over.
func New(ctx context.Context, o host.Options, opts Options) (*host.Host, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	h, err := host.New(ctx, contract.Infrastructure, files, o)
	if err != nil {
		return nil, err
	}
	r := &runtimes{
		db: h.DB, log: h.Log, opts: opts,
		dir: h.Dir, running: map[string]unit{}, pending: map[string]pending{}, logs: map[string]*logFile{}, stopped: make(chan struct{}),
		reaper: newReaper(h.Dir, h.Log), starter: newStarter(),
	}
	h.OnClose(r.stop)
	if r.key, err = signature.Load(o.Dir); err == nil {
		err = h.AcquireLeadership(ctx)
	}
	if err == nil {
		err = r.restore(ctx)
	}
	if err != nil {
		_ = h.Stop(ctx)
		return nil, fmt.Errorf("%s: %w", contract.Infrastructure, err)
	}
	if err := r.exposed(); err != nil {
		r.log.Warn("no project runs as a process: "+err.Error(), "hint", hint(err))
	}
	h.Bus.Handle(contract.Provision, r.provision)
	h.Bus.Handle(contract.CancelProvision, r.cancelProvision)
	h.Bus.Handle(contract.Deprovision, r.deprovision)
	r.routes(h)
	return h, nil
}

// hostOf is a project's name on the gateway.
func hostOf(slug string) string { return slug + "." + contract.AppsDomain }

// makeDirs creates the service's directories, for its owner only.
func (r *runtimes) makeDirs() error {
	for _, dir := range []string{r.opts.Fragments, r.sites(), filepath.Dir(r.logFile(""))} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
	}
	return nil
}
