package graph

import (
	"context"
	"database/sql"

	"axion/services/contract"
	"axion/services/graph/history"
	"axion/services/graph/live"
	"axion/services/graph/readmodel"
)

// updateBody are the changes to a project; what is nil stays.
type updateBody struct {
	Name     *string           `json:"name,omitempty" minLength:"1" maxLength:"80"`
	Template *string           `json:"template,omitempty" minLength:"1" maxLength:"64" pattern:"^[a-z0-9-]+$"`
	Config   *readmodel.Config `json:"config,omitempty" doc:"Replaces the whole config."`
}

// update changes a project; its next deployment uses the changes.
func (c *commands) update(ctx context.Context, by caller, id string, in updateBody) (p readmodel.Project, err error) {
	err = c.writer.changeAndNotify(ctx, func(tx *sql.Tx) (owner string, m live.Message, err error) {
		repeated, err := by.repeated(ctx, tx)
		if err != nil {
			return "", m, err
		}
		if p, err = readmodel.LockProject(ctx, tx, by.user, id); err != nil || repeated {
			return "", m, err
		}
		if err := in.change(&p); err != nil {
			return "", m, err
		}
		e, err := history.New(contract.ProjectUpdated, id, p.Event(""))
		if err != nil {
			return "", m, err
		}
		p.UpdatedAt = e.Time
		owner, err = c.writer.appendEvent(ctx, tx, e)
		return owner, live.Message{Type: e.Type, ProjectID: id, Data: e.Data}, err
	})
	return p, err
}

func (in *updateBody) change(p *readmodel.Project) (err error) {
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
	return p.Config.Check()
}
