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
	"axion/services/host"
)

// Bounds of a page for other services.
const (
	defaultLimit = 50
	maxLimit     = 200
)

// answer registers the requests of other services. They are answered by the code
// that answers HTTP, and refused with the same texts.
func (s *service) answer() {
	creation, changes := newReader[createBody](s.API, "name", "template", "config", "graph"),
		newReader[updateBody](s.API, "name", "template", "config")
	for typ, do := range map[string]func(context.Context, *bus.Message, contract.ProjectRequest) (any, error){
		contract.CreateProject: func(ctx context.Context, m *bus.Message, in contract.ProjectRequest) (any, error) {
			body, err := creation.read(m)
			if err != nil {
				return nil, err
			}
			p, err := s.create(ctx, busCaller(in.UserID, m), body)
			return p.contract(), err
		},
		contract.GetProject:   s.answerGet,
		contract.ListProjects: s.answerList,
		contract.UpdateProject: func(ctx context.Context, m *bus.Message, in contract.ProjectRequest) (any, error) {
			body, err := changes.read(m)
			if err != nil {
				return nil, err
			}
			p, err := s.update(ctx, busCaller(in.UserID, m), in.ProjectID, body)
			return p.contract(), err
		},
		contract.DeleteProject: s.answerDelete,
	} {
		s.Bus.Handle(typ, answering(do))
	}
}

// answering reads who asks, about which project; the rest is the operation's.
func answering(do func(context.Context, *bus.Message, contract.ProjectRequest) (any, error)) bus.Handler {
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

func (s *service) answerGet(ctx context.Context, _ *bus.Message, in contract.ProjectRequest) (any, error) {
	p, err := s.queries.project(ctx, in.UserID, in.ProjectID)
	return p.contract(), err
}

func (s *service) answerList(ctx context.Context, _ *bus.Message, in contract.ProjectRequest) (any, error) {
	if in.Limit < 0 || in.Limit > maxLimit {
		return nil, bus.Permanent(fmt.Errorf("limit must be from 1 to %d", maxLimit))
	}
	if in.Limit == 0 {
		in.Limit = defaultLimit
	}
	page, err := s.queries.projects(ctx, in.UserID, in.After, in.Limit)
	if err != nil {
		return nil, err
	}
	list := contract.ProjectList{Items: []contract.Project{}, Next: page.Next}
	for _, p := range page.Items {
		list.Items = append(list.Items, p.contract())
	}
	return list, nil
}

func (s *service) answerDelete(ctx context.Context, m *bus.Message, in contract.ProjectRequest) (any, error) {
	return nil, s.remove(ctx, busCaller(in.UserID, m), in.ProjectID)
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

// read takes the body's fields out of a request. Null is as good as nothing.
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
