package graph

import (
	"context"
	"database/sql"
	"fmt"

	"axion/services/contract"
	"axion/services/graph/history"
	"axion/services/graph/live"
	"axion/services/graph/readmodel"
)

// changeGraph adds the version of a graph that next returns for the latest one, and
// returns it.
func (c *commands) changeGraph(ctx context.Context, user, id string,
	next func(tx *sql.Tx, version int) (contract.Architecture, error)) (g contract.Architecture, version int, err error) {
	err = c.writer.changeAndNotify(ctx, func(tx *sql.Tx) (owner string, m live.Message, err error) {
		p, err := readmodel.LockProject(ctx, tx, user, id)
		if err != nil {
			return "", m, err
		}
		_, latest, err := readmodel.LatestGraph(ctx, tx, id)
		if err != nil {
			return "", m, err
		}
		if g, err = next(tx, latest); err != nil {
			return "", m, err
		}
		version = latest + 1
		e, err := history.New(contract.GraphChanged, id, contract.GraphEvent{ProjectID: id, UserID: p.UserID, Version: version, Graph: g})
		if err != nil {
			return "", m, err
		}
		owner, err = c.writer.appendEvent(ctx, tx, e)
		// The graph itself is left out: clients that want it request it.
		return owner, live.Message{Type: e.Type, ProjectID: id, Data: fmt.Appendf(nil, `{"version":%d}`, version)}, err
	})
	return g, version, err
}
