// Package deployment carries a project from its creation to a running site. It
// keeps each deployment's state in its database and tells every change of it as
// a DEPLOYMENT_* event, written in the same transaction. A project's deployments
// wait for each other in a queue; those of different projects run side by side.
package deployment

import (
	"cmp"
	"context"
	"embed"
	"errors"
	"io/fs"
	"regexp"
	"strings"
	"time"

	"github.com/google/uuid"

	"axion/services/bus"
	"axion/services/contract"
	"axion/services/host"
	"axion/services/signature"
)

//go:embed migrations
var migrations embed.FS

// Options says how patient the service is.
type Options struct {
	// Patience is how long one request to another service may take, of which
	// there are three before the deployment fails. Provisioning writes files and
	// waits for the route. Zero: 10 s.
	Patience time.Duration
	// Now is the wall clock that leases are dated by; nil means time.Now.
	Now func() time.Time
}

type service struct {
	*host.Host
	patience time.Duration
	queue    *queue
	key      signature.Key // of requests that have a command run, and of answers
	gaveUp   chan struct{} // says that there may be late answers
	clock    func() time.Time
	holders  holders
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
	s := &service{Host: h, patience: cmp.Or(opts.Patience, 10*time.Second), gaveUp: make(chan struct{}, 1), clock: opts.Now}
	if s.clock == nil {
		s.clock = time.Now
	}
	h.DependsOn(contract.Codegen, contract.Infrastructure)
	if s.key, err = signature.Load(o.Dir); err != nil {
		return nil, errors.Join(err, h.Stop(ctx))
	}
	s.queue = newQueue(s)
	h.Go("queue", s.queue.run)
	h.Go("late answers", (&answers{service: s}).run)
	h.Bus.Handle(contract.ProjectCreated, s.deploy)
	h.Bus.Handle(contract.DeploymentRequested, s.deploy)
	h.Bus.Handle(contract.ProjectDeleted, s.remove)
	s.answer()
	s.routes()
	return h, nil
}

// deploy queues a deployment. Its event is acknowledged then; one that is
// delivered again does nothing.
func (s *service) deploy(ctx context.Context, m *bus.Message) (any, error) {
	project, err := decode(m)
	if err != nil {
		return nil, err
	}
	if err := s.begin(ctx, project, "", ""); err != nil {
		return nil, err
	}
	return nil, s.queue.add(ctx, project.ProjectID)
}

// remove ends what a deleted project still has to deploy, and takes its site
// down. Later events of the project wait for that, as they have its key.
func (s *service) remove(ctx context.Context, m *bus.Message) (any, error) {
	project, err := decode(m)
	if err != nil {
		return nil, err
	}
	undoing, err := s.cancelAll(ctx, project.ProjectID)
	if err != nil {
		return nil, err
	}
	for _, id := range undoing {
		select {
		case <-s.queue.cancel(id):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if err := s.queue.settled(ctx, project.ProjectID); err != nil {
		return nil, err
	}
	if err := s.deprovision(ctx, contract.DeprovisionRequest{ProjectID: project.ProjectID}); err != nil {
		return nil, err
	}
	return nil, s.forget(ctx, project.ProjectID)
}

// decode reads a project event and fills in what a foreign sender left out.
func decode(m *bus.Message) (contract.ProjectEvent, error) {
	var p contract.ProjectEvent
	if err := m.Decode(&p); err != nil {
		return p, err
	}
	if p.ProjectID == "" {
		return p, bus.Permanent(errors.New("projectId is missing"))
	}
	if p.DeploymentID == "" {
		p.DeploymentID = uuid.NewSHA1(uuid.NameSpaceOID, []byte(m.ID)).String()
	}
	if p.Template == "" {
		p.Template = contract.DefaultTemplate
	}
	if p.Slug == "" {
		p.Slug = slug(p.ProjectID)
	}
	if len(p.Config) == 0 {
		p.Config = []byte("{}")
	}
	return p, nil
}

var notLabel = regexp.MustCompile(`[^a-z0-9]+`)

// slug makes a DNS label of a project id, which is unique as a name is not.
func slug(id string) string {
	label := strings.Trim(notLabel.ReplaceAllString(strings.ToLower(id), "-"), "-")
	if len(label) > 63 {
		label = strings.Trim(label[:63], "-")
	}
	if label == "" {
		label = "project"
	}
	return label
}
