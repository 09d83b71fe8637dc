// Package codegen answers GENERATE_CODE: it turns a project into the files that
// infrastructure runs.
package codegen

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"axion/services/bus"
	"axion/services/contract"
	"axion/services/host"
	"axion/services/signature"
)

//go:embed migrations
var migrations embed.FS

type service struct {
	host      *host.Host
	generator *Generator
	key       signature.Key // of answers that have a command run
}

// New returns the service, generating from blueprints (see [NewGenerator]).
func New(ctx context.Context, o host.Options, blueprints fs.FS) (*host.Host, error) {
	generator, err := NewGenerator(blueprints)
	if err != nil {
		return nil, err
	}
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	h, err := host.New(ctx, contract.Codegen, files, o)
	if err != nil {
		return nil, err
	}
	s := &service{host: h, generator: generator}
	if s.key, err = signature.Load(o.Dir); err != nil {
		return nil, errors.Join(err, h.Stop(ctx))
	}
	h.Bus.Handle(contract.GenerateCode, s.generate)
	s.blueprintRoutes()
	host.Handle(h, huma.Operation{
		OperationID: "list-templates", Method: http.MethodGet, Path: "/api/templates",
		Summary: "Which templates there are, and how often each was used.",
	}, s.templates)
	return h, nil
}

func (s *service) generate(ctx context.Context, m *bus.Message) (any, error) {
	var req contract.GenerateCodeRequest
	if err := m.Decode(&req); err != nil {
		return nil, err
	}
	reply, err := s.generator.Generate(req)
	var unknown *UnknownTemplateError
	var config *ConfigError
	var graph *GraphError
	switch {
	case errors.As(err, &unknown), errors.As(err, &config), errors.As(err, &graph):
		return nil, bus.Permanent(err) // the caller's to fix: it sees the text
	case err != nil:
		return nil, err
	}
	_, err = s.host.DB.ExecContext(ctx,
		`INSERT INTO generations (template, uses, last_at) VALUES ($1, 1, $2)
		ON CONFLICT (template) DO UPDATE SET uses = generations.uses + 1, last_at = excluded.last_at`,
		reply.Template, time.Now().UTC().Format(time.RFC3339))
	if err != nil {
		return nil, fmt.Errorf("count generation: %w", err)
	}
	return s.sign(reply), nil
}

// signedFor is how long an answer may take to whoever asked.
const signedFor = time.Minute

// sign signs an answer that has a command run: deployment-service has it run, and passes
// no other on.
func (s *service) sign(reply *contract.GenerateCodeReply) any {
	if reply.Run.Runtime != contract.RuntimeProcess {
		return reply
	}
	return bus.Answer{Value: reply, Headers: func(value []byte) []bus.Header {
		text := s.key.Sign(contract.GenerateCode+signature.Answer, value, time.Now().Add(signedFor))
		return []bus.Header{{Key: signature.Header, Value: []byte(text)}}
	}}
}

// Template is one entry of GET /api/templates; LastAt is empty until its first
// use.
type Template struct {
	Name   string `json:"name"`
	Uses   int    `json:"uses"`
	LastAt string `json:"lastAt,omitempty"`
}

type templatesOutput struct {
	Body struct {
		Items []Template `json:"items"`
	}
}

func (s *service) templates(ctx context.Context, _ *struct{}) (*templatesOutput, error) {
	used := map[string]Template{}
	rows, err := s.host.DB.QueryContext(ctx, `SELECT template, uses, last_at FROM generations`)
	if err != nil {
		return nil, fmt.Errorf("list generations: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var t Template
		if err := rows.Scan(&t.Name, &t.Uses, &t.LastAt); err != nil {
			return nil, fmt.Errorf("list generations: %w", err)
		}
		used[t.Name] = t
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list generations: %w", err)
	}
	out := &templatesOutput{}
	for _, name := range s.generator.Templates() {
		t := used[name]
		t.Name = name
		out.Body.Items = append(out.Body.Items, t)
	}
	return out, nil
}
