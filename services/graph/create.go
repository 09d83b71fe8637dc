package graph

import (
	"context"
	"database/sql"
	"strings"
	"unicode"

	"axion/services/contract"
	"axion/services/graph/architecture"
	"axion/services/graph/history"
	"axion/services/graph/live"
	"axion/services/graph/readmodel"
	"axion/services/graph/slug"
	"axion/services/host"
)

// createBody is what a project is made of.
type createBody struct {
	Name     string                 `json:"name" minLength:"1" maxLength:"80"`
	Template string                 `json:"template,omitempty" maxLength:"64" pattern:"^[a-z0-9-]*$" doc:"Default: static-site."`
	Config   readmodel.Config       `json:"config,omitempty" doc:"What the template fills in, such as title and description."`
	Graph    *contract.Architecture `json:"graph,omitempty" doc:"The first version of its graph."`
}

// create stores a project, and requests its first deployment. Its owner is notified.
func (c *commands) create(ctx context.Context, by caller, in createBody) (p readmodel.Project, err error) {
	if p, err = in.project(by); err != nil {
		return p, err
	}
	err = c.writer.changeAndNotify(ctx, func(tx *sql.Tx) (owner string, m live.Message, err error) {
		repeated, err := by.repeated(ctx, tx)
		if err != nil {
			return "", m, err
		}
		if repeated {
			p, err = readmodel.FindCreated(ctx, tx, by.user, by.message.DerivedIDSuffix())
			return "", m, err
		}
		if p.Slug, err = slug.Reserve(ctx, tx, p.ID, slug.From(p.Name)); err != nil {
			return "", m, err
		}
		sent := p.Event(history.NewID())
		data := sent
		data.Graph = in.Graph
		e, err := history.New(contract.ProjectCreated, p.ID, data)
		if err != nil {
			return "", m, err
		}
		// The graph itself is left out: clients that want it request it.
		if m, err = projectMessage(e, sent); err != nil {
			return "", m, err
		}
		p.CreatedAt, p.UpdatedAt = e.Time, e.Time
		owner, err = c.writer.appendEvent(ctx, tx, e, contract.Topic(contract.Deployment))
		return owner, m, err
	})
	return p, err
}

// projectMessage is what a project's owner is sent of a change.
func projectMessage(e history.Event, sent contract.ProjectEvent) (live.Message, error) {
	data, err := contract.JSON(sent)
	return live.Message{Type: e.Type, ProjectID: e.ProjectID, Data: data}, err
}

// project checks the body, and gives the project without its slug and times.
func (in *createBody) project(by caller) (p readmodel.Project, err error) {
	p = readmodel.Project{ID: by.newID(), UserID: by.user, Template: in.Template, Config: in.Config}
	if p.Template == "" {
		p.Template = contract.DefaultTemplate
	}
	if p.Name, err = checkName(in.Name); err != nil {
		return p, err
	}
	if err := p.Config.Check(); err != nil {
		return p, err
	}
	if in.Graph != nil {
		if err := architecture.Check("/graph", in.Graph); err != nil {
			return p, err
		}
	}
	return p, nil
}

// checkName trims a project's name, and refuses what a reader could not see or
// would see in another order.
func checkName(name string) (string, error) {
	name = strings.TrimSpace(name)
	if name == "" {
		return "", host.Invalid("/name", "must not be blank")
	}
	if strings.ContainsFunc(name, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) }) {
		return "", host.Invalid("/name", "must not hold control characters")
	}
	return name, nil
}
