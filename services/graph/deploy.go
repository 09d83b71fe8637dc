package graph

import (
	"context"
	"database/sql"
	"fmt"

	"axion/services/contract"
	"axion/services/graph/history"
	"axion/services/graph/readmodel"
)

// deploy requests one more deployment, with the project as it is now.
func (c *commands) deploy(ctx context.Context, by caller, id string) (d readmodel.Deployment, err error) {
	err = c.writer.inTx(ctx, func(tx *sql.Tx) error {
		p, err := readmodel.LockProject(ctx, tx, by.user, id)
		if err != nil {
			return err
		}
		graph, version, err := readmodel.LatestGraph(ctx, tx, id)
		if err != nil {
			return err
		}
		event := p.Event(history.NewID())
		if version > 0 {
			event.Graph = &graph
		}
		e, err := history.New(contract.DeploymentRequested, id, event)
		if err != nil {
			return err
		}
		d = readmodel.Deployment{
			ID: event.DeploymentID, ProjectID: id, Status: contract.StatusPending, CreatedAt: e.Time, UpdatedAt: e.Time,
		}
		if _, err := c.writer.appendEvent(ctx, tx, e, contract.Topic(contract.Deployment)); err != nil {
			return fmt.Errorf("request deployment: %w", err)
		}
		return nil
	})
	return d, err
}
