package graph

import (
	"context"
	"database/sql"
	"fmt"

	"axion/services/contract"
)

// updateBody are the changes to a project; what is nil stays.
type updateBody struct {
	Name     *string `json:"name,omitempty" minLength:"1" maxLength:"80"`
	Template *string `json:"template,omitempty" minLength:"1" maxLength:"64" pattern:"^[a-z0-9-]+$"`
	Config   *Config `json:"config,omitempty" doc:"Replaces the whole config."`
}

// update changes a project; its next deployment uses the changes.
func (s *service) update(ctx context.Context, by caller, id string, in updateBody) (p Project, err error) {
	err = s.announce(ctx, func(tx *sql.Tx) (owner string, m Message, err error) {
		repeated, err := by.repeated(ctx, tx)
		if err != nil {
			return "", m, err
		}
		if p, err = take(ctx, tx, by.user, id); err != nil || repeated {
			return "", m, err
		}
		if err := in.change(&p); err != nil {
			return "", m, err
		}
		e, err := newEvent(contract.ProjectUpdated, id, p.event(""))
		if err != nil {
			return "", m, err
		}
		p.UpdatedAt = e.Time
		owner, err = s.emit(ctx, tx, e)
		return owner, Message{Type: e.Type, ProjectID: id, Data: e.Data}, err
	})
	return p, err
}

func (in *updateBody) change(p *Project) (err error) {
	if in.Name != nil {
		if p.Name, err = checkName(*in.Name); err != nil {
			return err
		}
	}
	if in.Template != nil {
		p.Template = *in.Template
	}
	if in.Config != nil {
		p.Config = *in.Config
	}
	return p.Config.check()
}

// remove deletes a project and has its site taken down. Its owner is told; of what was
// told about it before, nothing is told again.
func (s *service) remove(ctx context.Context, by caller, id string) error {
	return s.announce(ctx, func(tx *sql.Tx) (owner string, m Message, err error) {
		if repeated, err := by.repeated(ctx, tx); err != nil || repeated {
			return "", m, err
		}
		p, err := take(ctx, tx, by.user, id)
		if err != nil {
			return "", m, err
		}
		for _, statement := range []string{`DELETE FROM feed WHERE project_id = $1`, `DELETE FROM slugs WHERE project_id = $1`} {
			if _, err := tx.ExecContext(ctx, statement, id); err != nil {
				return "", m, fmt.Errorf("delete project: %w", err)
			}
		}
		e, err := newEvent(contract.ProjectDeleted, id, p.event(""))
		if err != nil {
			return "", m, err
		}
		owner, err = s.emit(ctx, tx, e, contract.Topic(contract.Deployment))
		return owner, Message{Type: e.Type, ProjectID: id, Data: e.Data}, err
	})
}
