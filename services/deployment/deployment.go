// Package deployment carries a project from its creation to a running site. It
// stores each deployment's state in its database and publishes every change of it as
// a DEPLOYMENT_* event, written in the same transaction. A project's deployments
// are queued one after another; those of different projects run side by side.
package deployment

import (
	"cmp"
	"context"
	"embed"
	"errors"
	"io/fs"
	"time"

	"github.com/google/uuid"

	"axion/services/contract"
	"axion/services/host"
	"axion/services/signature"
)

//go:embed migrations
var migrations embed.FS

// defaultTimeout is the default of [Options.Timeout].
const defaultTimeout = 10 * time.Second

// Options are the settings of the service.
type Options struct {
	// Timeout bounds one request to another service; there are three before the
	// deployment fails. Provisioning writes files and waits for the route. Zero: 10 s.
	Timeout time.Duration
	// Now is the wall clock that leases are dated by; nil means time.Now.
	Now func() time.Time
}

// New returns the service. A deployment that a crash cut short goes on at the
// next start, or in another instance, from the step it had reached.
func New(ctx context.Context, o host.Options, opts Options) (*host.Host, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	h, err := host.New(ctx, contract.Deployment, files, o)
	if err != nil {
		return nil, err
	}
	h.DependsOn(contract.Codegen, contract.Infrastructure)
	key, err := signature.Load(o.Dir)
	if err != nil {
		return nil, errors.Join(err, h.Stop(ctx))
	}
	clock := opts.Now
	if clock == nil {
		clock = time.Now
	}
	repo := &repository{db: h.DB, bus: h.Bus}
	client := &client{bus: h.Bus, repo: repo, key: key, timeout: cmp.Or(opts.Timeout, defaultTimeout), log: h.Log}
	late := &lateReplies{repo: repo, bus: h.Bus, shared: h.Shared, log: h.Log, pending: make(chan struct{}, 1)}
	queue := newQueue(repo,
		&leases{repo: repo, db: h.DB, owner: uuid.NewString(), shared: h.Shared, clock: clock},
		&runner{repo: repo, client: client, log: h.Log, gaveUp: late.gaveUp}, h.Span, h.Log)
	late.queue = queue
	h.Go("queue", queue.run)
	h.Go("late replies", late.run)
	commands, queries := &commands{repo: repo, queue: queue}, &queries{db: h.DB}
	(&events{repo: repo, queue: queue, client: client}).register(h.Bus)
	(&requests{commands: commands, queries: queries}).register(h.Bus)
	(&api{Host: h, commands: commands, queries: queries}).register()
	return h, nil
}
