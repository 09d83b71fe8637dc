package deployment

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"axion/services/bus"
	"axion/services/bus/topics"
	"axion/services/contract"
)

const (
	// lateTime is how long an answer to a PROVISION that was given up is looked for.
	lateTime = 24 * time.Hour
	// lookTime is how often.
	lookTime = time.Second
)

// unanswered are requests that were given up, all sent after a place in the reply topic.
type unanswered struct {
	requests []string
	after    bus.Offsets
}

// keep has the answers to the requests of a deployment looked for, and those to older
// ones no more.
func (u unanswered) keep(ctx context.Context, tx *sql.Tx, deployment string) error {
	if len(u.requests) == 0 {
		return nil
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM unanswered WHERE at <= ?`, time.Now().Add(-lateTime).UnixMilli()); err != nil {
		return fmt.Errorf("keep request: %w", err)
	}
	for _, id := range u.requests {
		_, err := tx.ExecContext(ctx, `INSERT INTO unanswered (request, deployment_id, after, at) VALUES (?, ?, ?, ?)`,
			id, deployment, u.after.String(), time.Now().UnixMilli())
		if err != nil {
			return fmt.Errorf("keep request: %w", err)
		}
	}
	return nil
}

// answers looks for late answers. For one goroutine.
type answers struct {
	service *service
	next    bus.Offsets     // where the last look ended
	sought  map[string]bool // what it looked for
}

// run looks until ctx ends, while there is something to look for.
func (a *answers) run(ctx context.Context) error {
	tick := time.NewTicker(lookTime)
	defer tick.Stop()
	for ctx.Err() == nil {
		some, err := a.look(ctx)
		if err != nil && ctx.Err() == nil {
			a.service.Log.Warn("late answers not looked for; trying again", "error", err)
		}
		var again <-chan time.Time // never, where only this instance can give requests up
		if some || err != nil || a.service.Shared {
			again = tick.C
		}
		select {
		case <-again:
		case <-a.service.gaveUp:
		case <-ctx.Done():
		}
	}
	return nil
}

// look reads the answers that have come since the last time, and reports whether there
// are requests that they could be to.
func (a *answers) look(ctx context.Context) (some bool, err error) {
	deployments, from, err := a.due(ctx)
	if err != nil || len(deployments) == 0 {
		return false, err
	}
	came := map[string]error{}
	next, err := a.service.Bus.Answers(ctx, from, func(id string, refused error) {
		if deployments[id] != "" {
			came[id] = refused
		}
	})
	if err != nil {
		return true, err
	}
	for id, refused := range came {
		if err := a.service.answered(ctx, id, deployments[id], refused); err != nil {
			return true, err
		}
	}
	a.next, a.sought = next, make(map[string]bool, len(deployments))
	for id := range deployments {
		a.sought[id] = true
	}
	return true, nil
}

// due are the requests to look for, by their deployments, and where to begin.
func (a *answers) due(ctx context.Context) (deployments map[string]string, from bus.Offsets, err error) {
	rows, err := a.service.DB.QueryContext(ctx, `SELECT request, deployment_id, after FROM unanswered WHERE at > ?`,
		time.Now().Add(-lateTime).UnixMilli())
	if err != nil {
		return nil, nil, fmt.Errorf("look for answers: %w", err)
	}
	defer func() { _ = rows.Close() }()
	deployments = map[string]string{}
	for rows.Next() {
		var request, deployment, after string
		if err := rows.Scan(&request, &deployment, &after); err != nil {
			return nil, nil, fmt.Errorf("look for answers: %w", err)
		}
		place := a.next
		if !a.sought[request] {
			if place, err = topics.ParseOffsets(after); err != nil {
				return nil, nil, fmt.Errorf("look for answers: %w", err)
			}
		}
		if len(deployments) > 0 {
			place = place.Before(from)
		}
		deployments[request], from = deployment, place
	}
	if err := rows.Err(); err != nil {
		return nil, nil, fmt.Errorf("look for answers: %w", err)
	}
	return deployments, from, nil
}

// answered deals with an answer that came when its deployment had ended: what that has
// changed is to be undone, unless the request was dropped. Once is enough, for however
// many requests of the deployment are answered, and in whichever instances.
func (s *service) answered(ctx context.Context, request, deployment string, refused error) error {
	project := ""
	err := s.change(ctx, func(tx *sql.Tx) error {
		set, args := `request = ?`, []any{request}
		dropped := errors.Is(refused, bus.ErrExpired)
		if !dropped {
			set, args = `deployment_id = ?`, []any{deployment}
		}
		res, err := tx.ExecContext(ctx, `DELETE FROM unanswered WHERE `+set, args...)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 || dropped {
			return err
		}
		err = tx.QueryRowContext(ctx, `UPDATE deployments SET undo = TRUE, owner = '', lease = 0 WHERE id = ? AND status IN ('FAILED', 'CANCELLED')
			RETURNING project_id`, deployment).Scan(&project)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return errors.Join(err, note(ctx, tx, deployment, line{
			step: contract.StepProvision, level: levelWarn, message: "an answer came after the deployment had ended: what was provisioned is undone",
		}))
	})
	if err != nil {
		return fmt.Errorf("take late answer: %w", err)
	}
	if project == "" {
		return nil
	}
	return s.queue.add(ctx, project)
}

// undoLate undoes a deployment that has ended, unless a newer one is live. What it
// returns is trouble for which it is to be tried again.
func (s *service) undoLate(ctx context.Context, d state) error {
	newer, err := s.newerLive(ctx, d)
	if err != nil {
		return err
	}
	result := line{step: contract.StepProvision}
	if newer != "" {
		result.message = "nothing to undo: deployment " + newer + " is live"
	} else {
		var refused *bus.RemoteError
		back, err := s.putBack(ctx, d, d.id)
		switch {
		case errors.As(err, &refused) && !errors.Is(err, bus.ErrExpired):
			result.level, result.message = levelError, "not undone: "+refused.Public()
		case err != nil:
			return err
		case back == "":
			result.message = "undone: what ran of it is taken down"
		default:
			result.message = "undone: deployment " + back + " is back in place"
		}
	}
	s.Log.InfoContext(ctx, "late deployment", "deployment", d.id, "project", d.projectID, "result", result.message)
	return s.change(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `UPDATE deployments SET undo = FALSE, owner = '', lease = 0 WHERE id = ?`, d.id); err != nil {
			return fmt.Errorf("undo deployment: %w", err)
		}
		return note(ctx, tx, d.id, result)
	})
}

// newerLive is a deployment of the same project that was asked for after d and has
// succeeded, "" for none.
func (s *service) newerLive(ctx context.Context, d state) (id string, err error) {
	err = s.DB.QueryRowContext(ctx, `SELECT id FROM deployments WHERE project_id = ?1 AND status = 'SUCCEEDED'
		AND queued > (SELECT queued FROM deployments WHERE id = ?2) ORDER BY queued DESC LIMIT 1`, d.projectID, d.id).Scan(&id)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("look for deployment: %w", err)
	}
	return id, nil
}
