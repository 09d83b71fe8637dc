package deployment

import (
	"context"
	"errors"
	"regexp"
	"strings"

	"github.com/google/uuid"

	"axion/services/bus"
	"axion/services/contract"
)

// events handles what graph-service publishes about projects.
type events struct {
	repo   *repository
	queue  *queue
	client *client
}

// register registers the handlers.
func (e *events) register(b *bus.Bus) {
	b.Handle(contract.ProjectCreated, e.deploy)
	b.Handle(contract.DeploymentRequested, e.deploy)
	b.Handle(contract.ProjectDeleted, e.remove)
}

// deploy queues a deployment. Its event is acknowledged then; one that is
// delivered again does nothing.
func (e *events) deploy(ctx context.Context, m *bus.Message) (any, error) {
	project, err := decode(m)
	if err != nil {
		return nil, err
	}
	if err := e.repo.insert(ctx, project, "", ""); err != nil {
		return nil, err
	}
	return nil, e.queue.wake(ctx, project.ProjectID)
}

// remove ends what a deleted project still has to deploy, and takes its site
// down. Later events of the project wait for that, as they have its key.
func (e *events) remove(ctx context.Context, m *bus.Message) (any, error) {
	project, err := decode(m)
	if err != nil {
		return nil, err
	}
	undoing, err := e.repo.cancelAll(ctx, project.ProjectID)
	if err != nil {
		return nil, err
	}
	for _, id := range undoing {
		select {
		case <-e.queue.cancel(id):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if err := e.queue.waitIdle(ctx, project.ProjectID); err != nil {
		return nil, err
	}
	if err := e.client.deprovision(ctx, contract.DeprovisionRequest{ProjectID: project.ProjectID}); err != nil {
		return nil, err
	}
	return nil, e.repo.forget(ctx, project.ProjectID)
}

// decode reads a project event and fills in what another producer has left out.
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

// slug makes a DNS label of a project id, which is unique where a name is not.
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
