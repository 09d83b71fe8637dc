// Package infrastructure runs generated projects. On PROVISION it serves the
// project's static files on a port of its own, or runs its command under
// supervision, and writes a labelled compose fragment that the gateway reads; on
// DEPROVISION it undoes both.
package infrastructure

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"path/filepath"

	"axion/services/contract"
	"axion/services/host"
	"axion/services/procgroup"
	"axion/services/signature"
)

//go:embed migrations
var migrations embed.FS

// Options are the settings of the service.
type Options struct {
	// Fragments is the directory that the gateway watches for compose files.
	Fragments string
	// HTTPSPort is the gateway's, for the projects' URLs.
	HTTPSPort int
	// Routed waits until the gateway routes a host, so that a deployment has
	// succeeded only when its address answers. Nil means not to wait. Its
	// context ends after 5 s.
	Routed func(ctx context.Context, host string) error
	// Brokers are the Kafka seeds that processes have in KAFKA_BROKERS.
	Brokers []string
	// OTLP is the endpoint for processes' telemetry over HTTP, which they have in
	// OTEL_EXPORTER_OTLP_ENDPOINT. Empty: none.
	OTLP string
	// ProcessesDisabled is the reason why no project may run as a process. Empty: they
	// may.
	ProcessesDisabled string
	// Private returns an error where others may write into a folder or one above it, from
	// where a process could load what is not its project's; then no project runs as a
	// process. Nil: it is not checked.
	Private func(dir string) error
}

// New returns the service. What ran when its database was last used runs again
// before New returns. The projects run in its process: a second instance waits in
// New until the first has ended, and then runs them.
func New(ctx context.Context, o host.Options, opts Options) (*host.Host, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	h, err := host.New(ctx, contract.Infrastructure, files, o)
	if err != nil {
		return nil, err
	}
	repo, sites := &repository{db: h.DB}, sites(filepath.Join(h.Dir, "sites"))
	logs := &logs{dir: filepath.Join(h.Dir, "logs"), open: map[string]*logFile{}}
	launcher := &launcher{opts: opts, sites: sites, logs: logs, reaper: procgroup.New(h.Dir, h.Log), log: h.Log}
	m := &manager{
		repo: repo, sites: sites, fragments: fragments(opts.Fragments), logs: logs, launcher: launcher, log: h.Log,
		running: map[string]workload{}, stopped: make(chan struct{}),
	}
	h.OnClose(m.stop)
	key, err := signature.Load(o.Dir)
	if err == nil {
		err = h.AcquireLeadership(ctx)
	}
	if err == nil {
		err = m.restore(ctx)
	}
	if err != nil {
		_ = h.Stop(ctx)
		return nil, fmt.Errorf("%s: %w", contract.Infrastructure, err)
	}
	if err := launcher.checkPrivate(); err != nil {
		h.Log.Warn("no project runs as a process: "+err.Error(), "hint", hint(err))
	}
	(&requests{manager: m, key: key, opts: opts, log: h.Log, pending: map[string]pending{}}).register(h.Bus)
	(&inventory{repo: repo, manager: m, logs: logs, httpsPort: opts.HTTPSPort}).register(h)
	return h, nil
}

// hostOf returns a project's host name on the gateway.
func hostOf(slug string) string { return slug + "." + contract.AppsDomain }
