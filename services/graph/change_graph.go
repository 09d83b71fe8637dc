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

// changeGraph adds the version of a graph that next gives for the present one.
func (c *commands) changeGraph(ctx context.Context, user, id string,
	next func(tx *sql.Tx, version int) (contract.Architecture, error)) (*graphOutput, error) {
	var out *graphOutput
	err := c.writer.changeAndNotify(ctx, func(tx *sql.Tx) (owner string, m live.Message, err error) {
		p, err := readmodel.LockProject(ctx, tx, user, id)
		if err != nil {
			return "", m, err
		}
		_, version, err := readmodel.LatestGraph(ctx, tx, id)
		if err != nil {
			return "", m, err
		}
		g, err := next(tx, version)
		if err != nil {
			return "", m, err
		}
		e, err := history.New(contract.GraphChanged, id, contract.GraphEvent{ProjectID: id, UserID: p.UserID, Version: version + 1, Graph: g})
		if err != nil {
			return "", m, err
		}
		out = newGraphOutput(g, version+1)
		owner, err = c.writer.appendEvent(ctx, tx, e)
		// The graph itself is left out: clients that want it request it.
		return owner, live.Message{Type: e.Type, ProjectID: id, Data: fmt.Appendf(nil, `{"version":%d}`, version+1)}, err
	})
	return out, err
}
