package deployment

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"axion/services/bus"
	"axion/services/bus/topics"
	"axion/services/contract"
)

const (
	// lateReplyAge is how long the reply to a PROVISION that was given up is looked for.
	lateReplyAge = 24 * time.Hour
	// lateReplyInterval is the period of that.
	lateReplyInterval = time.Second
)

// unanswered are requests that were given up, all sent after some offsets of the reply
// topic.
type unanswered struct {
	requests []string
	after    bus.Offsets
}

// save stores the requests of a deployment, so that replies to them are looked for, and
// deletes those that are too old.
func (u unanswered) save(ctx context.Context, tx *sql.Tx, deployment string) error {
	if len(u.requests) == 0 {
		return nil
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM unanswered WHERE at <= $1`, time.Now().Add(-lateReplyAge).UnixMilli()); err != nil {
		return fmt.Errorf("save request: %w", err)
	}
	for _, id := range u.requests {
		_, err := tx.ExecContext(ctx, `INSERT INTO unanswered (request, deployment_id, after, at) VALUES ($1, $2, $3, $4)`,
			id, deployment, u.after.String(), time.Now().UnixMilli())
		if err != nil {
			return fmt.Errorf("save request: %w", err)
		}
	}
	return nil
}

// lateReplies looks for replies to requests that were given up, and has the queue undo
// what those have changed. Its run is for one goroutine.
type lateReplies struct {
	repo    *repository
	bus     *bus.Bus
	queue   *queue
	shared  bool // other instances may use the same database
	log     *slog.Logger
	pending chan struct{} // notifies run of requests that were given up

	next   bus.Offsets     // where the last poll ended
	sought map[string]bool // the requests that it was for
}

// gaveUp notifies run of requests that were given up.
func (a *lateReplies) gaveUp() {
	select {
	case a.pending <- struct{}{}:
	default:
	}
}

// run polls until ctx ends, while there are requests that were given up.
func (a *lateReplies) run(ctx context.Context) error {
	tick := time.NewTicker(lateReplyInterval)
	defer tick.Stop()
	for ctx.Err() == nil {
		some, err := a.poll(ctx)
		if err != nil && ctx.Err() == nil {
			a.log.Warn("late replies not looked for; trying again", "error", err)
		}
		var next <-chan time.Time // never, where only this instance can give requests up
		if some || err != nil || a.shared {
			next = tick.C
		}
		select {
		case <-next:
		case <-a.pending:
		case <-ctx.Done():
		}
	}
	return nil
}

// poll reads the replies that have come since the last time, and reports whether there
// are requests that they could be to.
func (a *lateReplies) poll(ctx context.Context) (some bool, err error) {
	deployments, from, err := a.due(ctx)
	if err != nil || len(deployments) == 0 {
		return false, err
	}
	came := map[string]error{}
	next, err := a.bus.Answers(ctx, from, func(id string, refused error) {
		if deployments[id] != "" {
			came[id] = refused
		}
	})
	if err != nil {
		return true, err
	}
	for id, refused := range came {
		if err := a.answered(ctx, id, deployments[id], refused); err != nil {
			return true, err
		}
	}
	a.next, a.sought = next, make(map[string]bool, len(deployments))
	for id := range deployments {
		a.sought[id] = true
	}
	return true, nil
}

// due returns the deployments of the requests that were given up, by request, and the
// offsets to read from.
func (a *lateReplies) due(ctx context.Context) (deployments map[string]string, from bus.Offsets, err error) {
	rows, err := a.repo.db.QueryContext(ctx, `SELECT request, deployment_id, after FROM unanswered WHERE at > $1`,
		time.Now().Add(-lateReplyAge).UnixMilli())
	if err != nil {
		return nil, nil, fmt.Errorf("look for replies: %w", err)
	}
	defer func() { _ = rows.Close() }()
	deployments = map[string]string{}
	for rows.Next() {
		var request, deployment, after string
		if err := rows.Scan(&request, &deployment, &after); err != nil {
			return nil, nil, fmt.Errorf("look for replies: %w", err)
		}
		offsets := a.next
		if !a.sought[request] {
			if offsets, err = topics.ParseOffsets(after); err != nil {
				return nil, nil, fmt.Errorf("look for replies: %w", err)
			}
		}
		if len(deployments) > 0 {
			offsets = offsets.Before(from)
		}
		deployments[request], from = deployment, offsets
	}
	if err := rows.Err(); err != nil {
		return nil, nil, fmt.Errorf("look for replies: %w", err)
	}
	return deployments, from, nil
}

// answered marks a deployment to be undone whose reply came after it had ended, unless the
// request was dropped: once, for any number of replies, in any instance.
func (a *lateReplies) answered(ctx context.Context, request, deployment string, refused error) error {
	project := ""
	err := a.repo.inTx(ctx, func(tx *sql.Tx) error {
		condition, key := `request = $1`, request
		dropped := errors.Is(refused, bus.ErrExpired)
		if !dropped {
			condition, key = `deployment_id = $1`, deployment
		}
		res, err := tx.ExecContext(ctx, `DELETE FROM unanswered WHERE `+condition, key)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 || dropped {
			return err
		}
		err = tx.QueryRowContext(ctx, `UPDATE deployments SET undo = TRUE, owner = '', lease = 0 WHERE id = $1 AND status IN ('FAILED', 'CANCELLED')
			RETURNING project_id`, deployment).Scan(&project)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return errors.Join(err, appendLog(ctx, tx, deployment, line{
			step: contract.StepProvision, level: levelWarn, message: "an answer came after the deployment had ended: what was provisioned is undone",
		}))
	})
	if err != nil {
		return fmt.Errorf("handle late reply: %w", err)
	}
	if project == "" {
		return nil
	}
	return a.queue.wake(ctx, project)
}
