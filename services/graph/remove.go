package graph

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"axion/services/contract"
	"axion/services/graph/history"
	"axion/services/graph/live"
	"axion/services/graph/readmodel"
	"axion/services/graph/slug"
)

// remove deletes a project and has its site taken down. Its owner is notified; the
// messages about it from before are not sent again.
func (c *commands) remove(ctx context.Context, by caller, id string) error {
	return c.writer.changeAndNotify(ctx, func(tx *sql.Tx) (owner string, m live.Message, err error) {
		if repeated, err := by.repeated(ctx, tx); err != nil || repeated {
			return "", m, err
		}
		p, err := readmodel.LockProject(ctx, tx, by.user, id)
		if err != nil {
			return "", m, err
		}
		if err := errors.Join(live.Forget(ctx, tx, id), slug.Release(ctx, tx, id)); err != nil {
			return "", m, fmt.Errorf("delete project: %w", err)
		}
		e, err := history.New(contract.ProjectDeleted, id, p.Event(""))
		if err != nil {
			return "", m, err
		}
		owner, err = c.writer.appendEvent(ctx, tx, e, contract.Topic(contract.Deployment))
		return owner, live.Message{Type: e.Type, ProjectID: id, Data: e.Data}, err
	})
}
