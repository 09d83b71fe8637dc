package codegen

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"axion/services/bus"
	"axion/services/contract"
	"axion/services/host"
)

// descriptions say what a template makes.
var descriptions = map[string]string{
	contract.DefaultTemplate: "A static page with the project's title, description and accent colour, served as it is.",
	contract.NestJSTemplate:  "A NestJS service that answers over HTTP and Kafka, with a front page, a Dockerfile and a compose file.",
}

// Blueprints describe what can be generated, by name.
func (g *Generator) Blueprints() []contract.Blueprint {
	list := []contract.Blueprint{}
	for _, name := range g.Templates() {
		b := contract.Blueprint{Name: name, Description: descriptions[name], Files: []string{}}
		for _, file := range g.templates[name] {
			b.Files = append(b.Files, file.path)
		}
		list = append(list, b)
	}
	return list
}

// Blueprint describes one; an unknown one is an [UnknownTemplateError].
func (g *Generator) Blueprint(name string) (contract.Blueprint, error) {
	for _, b := range g.Blueprints() {
		if b.Name == name {
			return b, nil
		}
	}
	return contract.Blueprint{}, &UnknownTemplateError{Name: name, Known: g.Templates()}
}

type blueprintsOutput struct{ Body contract.BlueprintList }

type blueprintInput struct {
	Name string `path:"name" maxLength:"100"`
}

type blueprintOutput struct{ Body contract.Blueprint }

func (s *service) blueprintRoutes() {
	s.host.Bus.Handle(contract.ListBlueprints, func(context.Context, *bus.Message) (any, error) {
		return contract.BlueprintList{Items: s.generator.Blueprints()}, nil
	})
	s.host.Bus.Handle(contract.GetBlueprint, func(_ context.Context, m *bus.Message) (any, error) {
		var req contract.BlueprintRequest
		if err := m.Decode(&req); err != nil {
			return nil, err
		}
		b, err := s.generator.Blueprint(req.Name)
		if err != nil {
			return nil, bus.Permanent(err)
		}
		return b, nil
	})
	host.Handle(s.host, huma.Operation{
		OperationID: "list-blueprints", Method: http.MethodGet, Path: "/api/blueprints", Summary: "What projects can be generated from.",
	}, func(context.Context, *struct{}) (*blueprintsOutput, error) {
		return &blueprintsOutput{contract.BlueprintList{Items: s.generator.Blueprints()}}, nil
	})
	host.Handle(s.host, huma.Operation{
		OperationID: "get-blueprint", Method: http.MethodGet, Path: "/api/blueprints/{name}", Summary: "One of them.",
		Errors: []int{http.StatusNotFound},
	}, func(_ context.Context, in *blueprintInput) (*blueprintOutput, error) {
		b, err := s.generator.Blueprint(in.Name)
		if err != nil {
			return nil, &host.Problem{Status: http.StatusNotFound, Title: http.StatusText(http.StatusNotFound), Detail: err.Error()}
		}
		return &blueprintOutput{b}, nil
	})
}
