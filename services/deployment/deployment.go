// Package deployment carries a project from its creation to a running site. It
// keeps each deployment's state in its database and tells every change of it as
// a DEPLOYMENT_* event, written in the same transaction.
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
)

//go:embed migrations
var migrations embed.FS

// Options says how patient the service is.
type Options struct {
	// Patience is how long one request to another service may take, of which
	// there are three before the deployment fails. Provisioning writes files and
	// waits for the route. Zero: 10 s.
	Patience time.Duration
}

type service struct {
	*host.Host
	patience time.Duration
}

// New returns the service. A deployment that a crash cut short goes on when its
// event is delivered again, from the step it had reached.
func New(ctx context.Context, o host.Options, opts Options) (*host.Host, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	h, err := host.New(ctx, contract.Deployment, files, o)
	if err != nil {
		return nil, err
	}
	s := &service{Host: h, patience: cmp.Or(opts.Patience, 10*time.Second)}
	h.Bus.Handle(contract.ProjectCreated, s.deploy)
	h.Bus.Handle(contract.DeploymentRequested, s.deploy)
	h.Bus.Handle(contract.ProjectDeleted, s.remove)
	return h, nil
}

// deploy runs a deployment to its end. Its event is acknowledged only then, and
// every step may be repeated, so a redelivered event resumes or does nothing.
func (s *service) deploy(ctx context.Context, m *bus.Message) (any, error) {
	project, err := decode(m)
	if err != nil {
		return nil, err
	}
	if err := s.begin(ctx, project); err != nil {
		return nil, err
	}
	d, err := s.load(ctx, project.DeploymentID)
	if err != nil || d.ended() {
		return nil, err
	}
	return nil, s.advance(ctx, d)
}

// remove takes a deleted project's site down. The project's events share a key,
// so no deployment of it is under way here.
func (s *service) remove(ctx context.Context, m *bus.Message) (any, error) {
	project, err := decode(m)
	if err != nil {
		return nil, err
	}
	var reply contract.DeprovisionReply
	if err := s.ask(ctx, contract.Infrastructure, contract.Deprovision, project.ProjectID,
		contract.DeprovisionRequest{ProjectID: project.ProjectID}, &reply); err != nil {
		return nil, err
	}
	return nil, s.cancel(ctx, project.ProjectID)
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
