package live

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"
)

// maxMessages bounds the feed of each user.
const maxMessages = 1000

// Append puts a message into its owner's feed, as of now, and notifies the other
// instances. Transactions come one after the other: a message's time is after that of
// every one before it, whatever the clocks of the instances say. The feed is no part of
// the read model: its times are in clients' hands, and must outlive a rebuild.
func (h *Hub) Append(ctx context.Context, tx *sql.Tx, owner string, m Message) error {
	var last int64
	if err := tx.QueryRowContext(ctx, `SELECT coalesce(max(at), 0) FROM feed`).Scan(&last); err != nil {
		return fmt.Errorf("number message: %w", err)
	}
	_, err := tx.ExecContext(ctx,
		`INSERT INTO feed (at, user_id, type, project_id, deployment_id, data) VALUES ($1, $2, $3, $4, $5, $6)`,
		max(time.Now().UnixNano(), last+1), owner, m.Type, m.ProjectID, m.DeploymentID, string(m.Data))
	if err != nil {
		return fmt.Errorf("append message: %w", err)
	}
	_, err = tx.ExecContext(ctx,
		`DELETE FROM feed WHERE user_id = $1 AND at <= (SELECT at FROM feed WHERE user_id = $1 ORDER BY at DESC LIMIT 1 OFFSET $2)`,
		owner, maxMessages)
	if err != nil {
		return fmt.Errorf("prune feed: %w", err)
	}
	return h.enqueue(ctx, tx, owner)
}

// Forget deletes a project's messages from its owner's feed.
func Forget(ctx context.Context, tx *sql.Tx, projectID string) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM feed WHERE project_id = $1`, projectID); err != nil {
		return fmt.Errorf("forget messages: %w", err)
	}
	return nil
}

// latest is the time of a user's last message, 0 without any.
func latest(ctx context.Context, db *sql.DB, user string) (at int64, err error) {
	if err := db.QueryRowContext(ctx, `SELECT coalesce(max(at), 0) FROM feed WHERE user_id = $1`, user).Scan(&at); err != nil {
		return 0, fmt.Errorf("read feed: %w", err)
	}
	return at, nil
}

// since reads what was sent to a user after a time (in nanoseconds since 1970), oldest
// first.
func since(ctx context.Context, db *sql.DB, user string, after int64) ([]Message, error) {
	rows, err := db.QueryContext(ctx,
		`SELECT at, type, project_id, deployment_id, data FROM feed WHERE user_id = $1 AND at > $2 ORDER BY at`,
		user, after)
	if err != nil {
		return nil, fmt.Errorf("read feed: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var missed []Message
	for rows.Next() {
		var m Message
		var at int64
		var data string
		if err := rows.Scan(&at, &m.Type, &m.ProjectID, &m.DeploymentID, &data); err != nil {
			return nil, fmt.Errorf("read feed: %w", err)
		}
		m.At, m.Data = time.Unix(0, at).UTC(), json.RawMessage(data)
		missed = append(missed, m)
	}
	return missed, rows.Err()
}
