package graph

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"axion/services/bus"
	"axion/services/contract"
	"axion/services/graph/readmodel"
	"axion/services/host"
)

// Bounds of a page for other services.
const (
	defaultLimit = 50
	maxLimit     = 200
)

// requestHandlers answer the requests of other services, by the code that answers HTTP.
// They are refused with the same texts.
type requestHandlers struct {
	queries  readmodel.Queries
	commands *commands
}

// register has the bus deliver the requests.
func (h *requestHandlers) register(b *bus.Bus, api huma.API) {
	creation, changes := newReader[createBody](api, "name", "template", "config", "graph"),
		newReader[updateBody](api, "name", "template", "config")
	for typ, do := range map[string]func(context.Context, *bus.Message, contract.ProjectRequest) (any, error){
		contract.CreateProject: func(ctx context.Context, m *bus.Message, in contract.ProjectRequest) (any, error) {
			body, err := creation.read(m)
			if err != nil {
				return nil, err
			}
			p, err := h.commands.create(ctx, busCaller(in.UserID, m), body)
			return p.Contract(), err
		},
		contract.GetProject:   h.get,
		contract.ListProjects: h.list,
		contract.UpdateProject: func(ctx context.Context, m *bus.Message, in contract.ProjectRequest) (any, error) {
			body, err := changes.read(m)
			if err != nil {
				return nil, err
			}
			p, err := h.commands.update(ctx, busCaller(in.UserID, m), in.ProjectID, body)
			return p.Contract(), err
		},
		contract.DeleteProject: h.remove,
	} {
		b.Handle(typ, withCaller(do))
	}
}

// withCaller reads the user, and the project; the rest is the operation's.
func withCaller(do func(context.Context, *bus.Message, contract.ProjectRequest) (any, error)) bus.Handler {
	return func(ctx context.Context, m *bus.Message) (any, error) {
		var in struct {
			UserID    string `json:"userId"`
			ProjectID string `json:"projectId"`
			Limit     int    `json:"limit"`
			After     string `json:"after"`
		}
		if err := m.Decode(&in); err != nil {
			return nil, err
		}
		if in.UserID == "" {
			return nil, bus.Permanent(errors.New("userId is missing"))
		}
		answer, err := do(ctx, m, contract.ProjectRequest{
			UserID: in.UserID, ProjectID: in.ProjectID, Limit: in.Limit, After: in.After,
		})
		return answer, host.BusError(err)
	}
}

func (h *requestHandlers) get(ctx context.Context, _ *bus.Message, in contract.ProjectRequest) (any, error) {
	p, err := h.queries.Project(ctx, in.UserID, in.ProjectID)
	return p.Contract(), err
}

func (h *requestHandlers) list(ctx context.Context, _ *bus.Message, in contract.ProjectRequest) (any, error) {
	if in.Limit < 0 || in.Limit > maxLimit {
		return nil, bus.Permanent(fmt.Errorf("limit must be from 1 to %d", maxLimit))
	}
	if in.Limit == 0 {
		in.Limit = defaultLimit
	}
	page, err := h.queries.Projects(ctx, in.UserID, in.After, in.Limit)
	if err != nil {
		return nil, err
	}
	list := contract.ProjectList{Items: []contract.Project{}, Next: page.Next}
	for _, p := range page.Items {
		list.Items = append(list.Items, p.Contract())
	}
	return list, nil
}

func (h *requestHandlers) remove(ctx context.Context, m *bus.Message, in contract.ProjectRequest) (any, error) {
	return nil, h.commands.remove(ctx, busCaller(in.UserID, m), in.ProjectID)
}

// reader reads requests as huma reads the body T of the HTTP operation.
type reader[T any] struct {
	registry huma.Registry
	schema   *huma.Schema
	fields   []string
}

// newReader comes before any request: a registry is not safe to add to later.
func newReader[T any](api huma.API, fields ...string) reader[T] {
	registry := api.OpenAPI().Components.Schemas
	return reader[T]{registry, registry.Schema(reflect.TypeFor[T](), true, ""), fields}
}

// read reads the body's fields of a request. Null counts as nothing.
func (r reader[T]) read(m *bus.Message) (body T, err error) {
	var all map[string]json.RawMessage
	if err := m.Decode(&all); err != nil {
		return body, err
	}
	fields := map[string]json.RawMessage{}
	for _, name := range r.fields {
		if raw, ok := all[name]; ok && string(raw) != "null" {
			fields[name] = raw
		}
	}
	raw, err := json.Marshal(fields)
	if err != nil {
		return body, err
	}
	var value any
	if err := json.Unmarshal(raw, &value); err != nil {
		return body, err
	}
	path, result := huma.NewPathBuffer([]byte{}, 0), &huma.ValidateResult{}
	path.Push("body")
	huma.Validate(r.registry, r.schema, path, huma.ModeWriteToServer, value, result)
	if len(result.Errors) > 0 {
		return body, huma.NewError(http.StatusUnprocessableEntity, "validation failed", result.Errors...)
	}
	return body, json.Unmarshal(raw, &body)
}
