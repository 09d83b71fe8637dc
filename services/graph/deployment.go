package graph

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"axion/services/contract"
)

// Deployment is what the API answers with.
type Deployment struct {
	ID        string    `json:"id" format:"uuid"`
	ProjectID string    `json:"projectId" format:"uuid"`
	Status    string    `json:"status" enum:"PENDING,STARTED,SUCCEEDED,FAILED,CANCELLED"`
	URL       string    `json:"url" doc:"Where the site answers; empty until it does."`
	Error     string    `json:"error" doc:"Why it failed; empty unless it did."`
	CreatedAt time.Time `json:"createdAt"`
	UpdatedAt time.Time `json:"updatedAt"`
}

// pending is the status of a deployment that is asked for and not yet begun.
const pending = "PENDING"

type deploymentOutput struct{ Body Deployment }

// deploy asks for one more deployment, with the project as it is now.
func (s *service) deploy(ctx context.Context, in *IDInput) (*deploymentOutput, error) {
	var d Deployment
	err := s.change(ctx, func(tx *sql.Tx) error {
		p, err := s.find(ctx, tx, in.ID)
		if err != nil {
			return err
		}
		d, err = s.request(ctx, tx, p, contract.DeploymentRequested)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &deploymentOutput{Body: d}, nil
}

// request records a new deployment of p as asked for, and tells the deployment
// service with an event of type typ.
func (s *service) request(ctx context.Context, tx *sql.Tx, p Project, typ string) (Deployment, error) {
	now := time.Now().UTC()
	d := Deployment{ID: newID(), ProjectID: p.ID, Status: pending, CreatedAt: now, UpdatedAt: now}
	_, err := tx.ExecContext(ctx, `INSERT INTO requests (deployment_id, project_id, created_at) VALUES (?, ?, ?)`,
		d.ID, p.ID, stamp(now))
	if err != nil {
		return d, fmt.Errorf("record deployment: %w", err)
	}
	return d, s.tell(ctx, tx, typ, p, d.ID)
}

type deploymentsInput struct {
	IDInput
	PageInput
}

type deploymentsOutput struct{ Body Page[Deployment] }

// deployments joins the two sides: the read model knows what has begun, the
// requests what has not.
func (s *service) deployments(ctx context.Context, in *deploymentsInput) (*deploymentsOutput, error) {
	if _, err := s.find(ctx, s.DB, in.ID); err != nil {
		return nil, err
	}
	rows, err := s.DB.QueryContext(ctx,
		`SELECT id, project_id, status, url, error, created_at, updated_at FROM (
			SELECT id, d.project_id, status, url, error, coalesce(r.created_at, d.created_at) AS created_at, updated_at
			FROM deployments d LEFT JOIN requests r ON r.deployment_id = d.id WHERE d.project_id = ?1
			UNION ALL
			SELECT deployment_id, project_id, ?2, '', '', created_at, created_at FROM requests
			WHERE project_id = ?1 AND deployment_id NOT IN (SELECT id FROM deployments WHERE project_id = ?1)
		) WHERE ?3 = '' OR id < ?3 ORDER BY id DESC LIMIT ?4`,
		in.ID, pending, in.After, in.Limit+1)
	if err != nil {
		return nil, fmt.Errorf("list deployments: %w", err)
	}
	page, err := collect(rows, in.Limit, scanDeployment, func(d Deployment) string { return d.ID })
	if err != nil {
		return nil, fmt.Errorf("list deployments: %w", err)
	}
	return &deploymentsOutput{Body: page}, nil
}

func scanDeployment(row interface{ Scan(...any) error }) (d Deployment, err error) {
	var created, updated string
	if err = row.Scan(&d.ID, &d.ProjectID, &d.Status, &d.URL, &d.Error, &created, &updated); err != nil {
		return d, err
	}
	if d.CreatedAt, err = time.Parse(time.RFC3339Nano, created); err != nil {
		return d, err
	}
	d.UpdatedAt, err = time.Parse(time.RFC3339Nano, updated)
	return d, err
}
