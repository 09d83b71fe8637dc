package ingest

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"axion/services/host"
)

const (
	maxSchema  = 64 << 10 // bytes
	maxSchemas = 1000
	// schemaPause is how long compiled schemas are used before it is looked whether
	// another process has changed them.
	schemaPause = time.Second
)

// schemas are the JSON Schemas that the data of events must fit, by the events' type.
// A type without one takes any data.
type schemas struct {
	db  *sql.DB
	now func() time.Time

	mu       sync.Mutex
	read     time.Time
	compiled map[string]*jsonschema.Schema
}

// check returns what is wrong with the data of an event whose place in the body is
// pointer.
func (s *schemas) check(ctx context.Context, e *event, pointer string) ([]host.FieldError, error) {
	all, err := s.all(ctx)
	if err != nil {
		return nil, err
	}
	schema := all[e.get("type")]
	if schema == nil {
		return nil, nil
	}
	if e.data == nil || !isJSON(e.contentType) {
		return []host.FieldError{{Pointer: pointer, Detail: "must be JSON: there is a schema for events of this type"}}, nil
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(e.data))
	if err != nil {
		return []host.FieldError{{Pointer: pointer, Detail: "is not JSON"}}, nil
	}
	var invalid *jsonschema.ValidationError
	if err := schema.Validate(value); errors.As(err, &invalid) {
		return faults(invalid, pointer), nil
	} else if err != nil {
		return nil, fmt.Errorf("validate event: %w", err)
	}
	return nil, nil
}

var english = message.NewPrinter(language.English)

// faults lists the innermost reasons.
func faults(e *jsonschema.ValidationError, pointer string) []host.FieldError {
	if len(e.Causes) == 0 {
		at := pointer
		for _, part := range e.InstanceLocation {
			at += "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(part)
		}
		return []host.FieldError{{Pointer: at, Detail: e.ErrorKind.LocalizedString(english)}}
	}
	var list []host.FieldError
	for _, cause := range e.Causes {
		if list = append(list, faults(cause, pointer)...); len(list) >= maxReported {
			return list[:maxReported]
		}
	}
	return list
}

// all are the schemas by type.
func (s *schemas) all(ctx context.Context) (map[string]*jsonschema.Schema, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.compiled != nil && s.now().Sub(s.read) < schemaPause {
		return s.compiled, nil
	}
	rows, err := s.db.QueryContext(ctx, `SELECT type, text FROM schemas`)
	if err != nil {
		return nil, fmt.Errorf("read schemas: %w", err)
	}
	defer func() { _ = rows.Close() }()
	next := map[string]*jsonschema.Schema{}
	for rows.Next() {
		var typ, text string
		if err := rows.Scan(&typ, &text); err != nil {
			return nil, fmt.Errorf("read schemas: %w", err)
		}
		if next[typ], err = compile([]byte(text)); err != nil {
			return nil, fmt.Errorf("read schema of %s: %w", typ, err)
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read schemas: %w", err)
	}
	s.compiled, s.read = next, s.now()
	return next, nil
}

// closed loads no schema from anywhere: a reference must not read files or addresses.
type closed struct{}

func (closed) Load(url string) (any, error) {
	return nil, errors.New(url + " is not loaded: write what it refers to into $defs")
}

func compile(text []byte) (*jsonschema.Schema, error) {
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.UseLoader(closed{})
	if err := c.AddResource("schema.json", value); err != nil {
		return nil, err
	}
	return c.Compile("schema.json")
}

// Schema is the schema of one event type.
type Schema struct {
	Type   string          `json:"type" doc:"The type of the events."`
	Schema json.RawMessage `json:"schema" doc:"A JSON Schema, draft 2020-12 unless it says otherwise."`
}

type schemaPath struct {
	Type string `path:"type" maxLength:"256"`
}

type schemaInput struct {
	Type    string `path:"type" maxLength:"256"`
	RawBody []byte
}

type schemaOutput struct{ Body Schema }

type schemasOutput struct {
	Body struct {
		Items []Schema `json:"items"`
		Next  string   `json:"next"`
	}
}

func (s *service) schemaRoutes() {
	const all, one = "/api/schemas", "/api/schemas/{type}"
	host.Handle(s.host, huma.Operation{OperationID: "list-schemas", Method: http.MethodGet, Path: all,
		Summary: "The JSON Schemas that events must fit, by type."}, s.listSchemas)
	host.Handle(s.host, huma.Operation{OperationID: "get-schema", Method: http.MethodGet, Path: one,
		Summary: "The schema of one event type.", Errors: []int{http.StatusNotFound}}, s.getSchema)
	host.Handle(s.host, s.host.Secured(huma.Operation{OperationID: "put-schema", Method: http.MethodPut, Path: one, MaxBodyBytes: maxSchema,
		Summary: "Have the data of events of a type fit a JSON Schema; others are refused with 422.", SkipValidateBody: true}), s.putSchema)
	host.Handle(s.host, s.host.Secured(huma.Operation{OperationID: "delete-schema", Method: http.MethodDelete, Path: one,
		DefaultStatus: http.StatusNoContent, Summary: "Take any data for events of a type.", Errors: []int{http.StatusNotFound}}), s.deleteSchema)
}

func (s *service) listSchemas(ctx context.Context, _ *struct{}) (*schemasOutput, error) {
	rows, err := s.host.DB.QueryContext(ctx, `SELECT type, text FROM schemas ORDER BY type`)
	if err != nil {
		return nil, fmt.Errorf("list schemas: %w", err)
	}
	defer func() { _ = rows.Close() }()
	out := &schemasOutput{}
	out.Body.Items = []Schema{}
	for rows.Next() {
		var typ, text string
		if err := rows.Scan(&typ, &text); err != nil {
			return nil, fmt.Errorf("list schemas: %w", err)
		}
		out.Body.Items = append(out.Body.Items, Schema{typ, json.RawMessage(text)})
	}
	return out, rows.Err()
}

func (s *service) getSchema(ctx context.Context, in *schemaPath) (*schemaOutput, error) {
	var text string
	err := s.host.DB.QueryRowContext(ctx, `SELECT text FROM schemas WHERE type = $1`, in.Type).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, problem(http.StatusNotFound, "there is no schema for the type "+strconv.Quote(in.Type))
	}
	if err != nil {
		return nil, fmt.Errorf("get schema: %w", err)
	}
	return &schemaOutput{Schema{in.Type, json.RawMessage(text)}}, nil
}

func (s *service) putSchema(ctx context.Context, in *schemaInput) (*schemaOutput, error) {
	if !validJSON(in.RawBody) {
		return nil, problem(http.StatusBadRequest, errNotJSON.Error())
	}
	if _, err := compile(in.RawBody); err != nil {
		return nil, host.Invalid("", "not a JSON Schema: "+strings.ReplaceAll(err.Error(), "\n", " "))
	}
	var n int
	err := s.host.DB.QueryRowContext(ctx, `SELECT count(*) FROM schemas WHERE type <> $1`, in.Type).Scan(&n)
	if err != nil {
		return nil, fmt.Errorf("put schema: %w", err)
	}
	if n >= maxSchemas {
		return nil, problem(http.StatusInsufficientStorage, "there are "+strconv.Itoa(maxSchemas)+" schemas: delete one first")
	}
	_, err = s.host.DB.ExecContext(ctx, `INSERT INTO schemas (type, text, at) VALUES ($1, $2, $3)
		ON CONFLICT (type) DO UPDATE SET text = excluded.text, at = excluded.at`, in.Type, string(in.RawBody), s.schemas.now().UnixMilli())
	if err != nil {
		return nil, fmt.Errorf("put schema: %w", err)
	}
	s.schemas.forget()
	return &schemaOutput{Schema{in.Type, json.RawMessage(slices.Clone(in.RawBody))}}, nil
}

func (s *service) deleteSchema(ctx context.Context, in *schemaPath) (*struct{}, error) {
	res, err := s.host.DB.ExecContext(ctx, `DELETE FROM schemas WHERE type = $1`, in.Type)
	if err != nil {
		return nil, fmt.Errorf("delete schema: %w", err)
	}
	if n, err := res.RowsAffected(); err == nil && n == 0 {
		return nil, problem(http.StatusNotFound, "there is no schema for the type "+strconv.Quote(in.Type))
	}
	s.schemas.forget()
	return nil, nil
}

// forget has the schemas read anew.
func (s *schemas) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.compiled = nil
}
