package graph

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"axion/services/bus"
	"axion/services/contract"
	"axion/services/host"
	"axion/services/store"
)

// Project is what the API answers with.
type Project struct {
	ID        string    `json:"id" format:"uuid"`
	UserID    string    `json:"userId"`
	Name      string    `json:"name"`
	Slug      string    `json:"slug" doc:"Its name below apps.localhost; never changes."`
	Template  string    `json:"template"`
	Config    Config    `json:"config"`
	CreatedAt time.Time `json:"createdAt"`
	UpdatedAt time.Time `json:"updatedAt"`
}

type createInput struct {
	Body struct {
		Name     string `json:"name" minLength:"1" maxLength:"80"`
		Template string `json:"template,omitempty" maxLength:"64" pattern:"^[a-z0-9-]*$" doc:"Default: static-site."`
		Config   Config `json:"config,omitempty" doc:"What the template fills in, such as title and description."`
	}
}

type projectOutput struct {
	Location string `header:"Location"`
	Body     Project
}

// create stores the project and its event in one transaction: there is never
// one without the other.
func (s *service) create(ctx context.Context, in *createInput) (*projectOutput, error) {
	name, err := checkName(in.Body.Name)
	if err != nil {
		return nil, err
	}
	now := time.Now().UTC()
	p := Project{
		ID: newID(), UserID: host.Caller(ctx).UserID, Name: name,
		Template: in.Body.Template, Config: in.Body.Config, CreatedAt: now, UpdatedAt: now,
	}
	if p.Template == "" {
		p.Template = contract.DefaultTemplate
	}
	if err := p.Config.check(); err != nil {
		return nil, err
	}
	err = s.change(ctx, func(tx *sql.Tx) (err error) {
		if p.Slug, err = freeSlug(ctx, tx, name); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx,
			`INSERT INTO projects (id, user_id, name, slug, template, config, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
			p.ID, p.UserID, p.Name, p.Slug, p.Template, p.Config.text(), stamp(now), stamp(now))
		if err != nil {
			return fmt.Errorf("store project: %w", err)
		}
		_, err = s.request(ctx, tx, p, contract.ProjectCreated)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &projectOutput{Location: "/api/projects/" + p.ID, Body: p}, nil
}

// IDInput names a project. Exported, as is PageInput, since huma fills embedded
// structs only where reflection may.
type IDInput struct {
	ID string `path:"id" maxLength:"64"`
}

func (s *service) get(ctx context.Context, in *IDInput) (*projectOutput, error) {
	p, err := s.find(ctx, s.DB, in.ID)
	if err != nil {
		return nil, err
	}
	return &projectOutput{Body: p}, nil
}

type updateInput struct {
	IDInput
	Body struct {
		Name     *string `json:"name,omitempty" minLength:"1" maxLength:"80"`
		Template *string `json:"template,omitempty" minLength:"1" maxLength:"64" pattern:"^[a-z0-9-]+$"`
		Config   *Config `json:"config,omitempty" doc:"Replaces the whole config."`
	}
}

func (s *service) update(ctx context.Context, in *updateInput) (*projectOutput, error) {
	var p Project
	err := store.Tx(ctx, s.DB, func(tx *sql.Tx) (err error) {
		if p, err = s.find(ctx, tx, in.ID); err != nil {
			return err
		}
		if in.Body.Name != nil {
			if p.Name, err = checkName(*in.Body.Name); err != nil {
				return err
			}
		}
		if in.Body.Template != nil {
			p.Template = *in.Body.Template
		}
		if in.Body.Config != nil {
			p.Config = *in.Body.Config
		}
		if err := p.Config.check(); err != nil {
			return err
		}
		p.UpdatedAt = time.Now().UTC()
		_, err = tx.ExecContext(ctx, `UPDATE projects SET name = ?, template = ?, config = ?, updated_at = ? WHERE id = ?`,
			p.Name, p.Template, p.Config.text(), stamp(p.UpdatedAt), p.ID)
		if err != nil {
			return fmt.Errorf("update project: %w", err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &projectOutput{Body: p}, nil
}

func (s *service) delete(ctx context.Context, in *IDInput) (*struct{}, error) {
	return nil, s.change(ctx, func(tx *sql.Tx) error {
		p, err := s.find(ctx, tx, in.ID)
		if err != nil {
			return err
		}
		for _, statement := range []string{
			`DELETE FROM deployments WHERE project_id = ?`,
			`DELETE FROM feed WHERE project_id = ?`,
			`DELETE FROM projects WHERE id = ?`,
		} {
			if _, err := tx.ExecContext(ctx, statement, p.ID); err != nil {
				return fmt.Errorf("delete project: %w", err)
			}
		}
		return s.tell(ctx, tx, contract.ProjectDeleted, p, "")
	})
}

// querier is what a database and a transaction have in common.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

const columns = `id, user_id, name, slug, template, config, created_at, updated_at`

// find loads one of the caller's projects. Another user's project is as unknown
// as one that never was.
func (s *service) find(ctx context.Context, q querier, id string) (Project, error) {
	p, err := scan(q.QueryRowContext(ctx,
		`SELECT `+columns+` FROM projects WHERE id = ? AND user_id = ?`, id, host.Caller(ctx).UserID))
	if errors.Is(err, sql.ErrNoRows) {
		return p, huma.Error404NotFound("there is no such project of yours")
	}
	if err != nil {
		return p, fmt.Errorf("load project: %w", err)
	}
	return p, nil
}

func scan(row interface{ Scan(...any) error }) (p Project, err error) {
	var config, created, updated string
	if err = row.Scan(&p.ID, &p.UserID, &p.Name, &p.Slug, &p.Template, &config, &created, &updated); err != nil {
		return p, err
	}
	p.Config = Config(config)
	if p.CreatedAt, err = time.Parse(time.RFC3339Nano, created); err != nil {
		return p, err
	}
	p.UpdatedAt, err = time.Parse(time.RFC3339Nano, updated)
	return p, err
}

// tell puts an event about a project into the outbox.
func (s *service) tell(ctx context.Context, tx *sql.Tx, typ string, p Project, deploymentID string) error {
	return s.Bus.Enqueue(ctx, tx, bus.Event{
		Type: typ, Topic: contract.Topic(contract.Deployment), Key: p.ID,
		Data: contract.ProjectEvent{
			ProjectID: p.ID, UserID: p.UserID, Config: json.RawMessage(p.Config.text()),
			Name: p.Name, Slug: p.Slug, Template: p.Template, DeploymentID: deploymentID,
		},
	})
}

// change runs fn in a transaction and wakes the outbox when it has committed.
func (s *service) change(ctx context.Context, fn func(*sql.Tx) error) error {
	err := store.Tx(ctx, s.DB, fn)
	if err == nil {
		s.Bus.Flush()
	}
	return err
}

// newID is a UUIDv7: ids sort by the time they were made.
func newID() string { return uuid.Must(uuid.NewV7()).String() }

// stamp is the form of times in the database.
func stamp(t time.Time) string { return t.Format(time.RFC3339Nano) }
