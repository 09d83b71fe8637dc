package ingest

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"axion/services/host"
	"axion/services/ingest/schema"
)

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

type schemasInput struct {
	Limit int    `query:"limit" minimum:"1" maximum:"100" default:"50"`
	After string `query:"after" maxLength:"256" doc:"The cursor that the page before gave as next."`
}

type schemasOutput struct{ Body host.Page[Schema] }

// schemaHandlers answer requests on schemas.
type schemaHandlers struct{ schemas *schemas }

// register adds the operations to a service.
func (h *schemaHandlers) register(service *host.Host) {
	const all, one = "/api/schemas", "/api/schemas/{type}"
	host.Handle(service, service.RequireAuth(huma.Operation{OperationID: "list-schemas", Method: http.MethodGet, Path: all,
		Summary: "Your JSON Schemas, by type: those that events sent with your token must fit."}), h.list)
	host.Handle(service, service.RequireAuth(huma.Operation{OperationID: "get-schema", Method: http.MethodGet, Path: one,
		Summary: "Your schema of one event type.", Errors: []int{http.StatusNotFound}}), h.get)
	host.Handle(service, service.RequireAuth(huma.Operation{OperationID: "put-schema", Method: http.MethodPut, Path: one,
		MaxBodyBytes: schema.MaxText, SkipValidateBody: true,
		Errors:  []int{http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusInsufficientStorage},
		Summary: "Have the data of events of a type that are sent with your token fit a JSON Schema; others are refused with 422.",
		Description: "A schema has at most 64 KiB and 1,000 parts, nested 32 deep, and refers to itself only. " +
			"Checking all events of a request takes at most " + strconv.Itoa(schema.MaxSteps) + " steps and " + schema.MaxTime.String() +
			": where a schema asks for more, the answer is 422."}), h.put)
	host.Handle(service, service.RequireAuth(huma.Operation{OperationID: "delete-schema", Method: http.MethodDelete, Path: one,
		DefaultStatus: http.StatusNoContent, Summary: "Accept any data for events of a type.", Errors: []int{http.StatusNotFound}}), h.delete)
}

func scanSchema(row interface{ Scan(...any) error }) (Schema, error) {
	var typ, text string
	err := row.Scan(&typ, &text)
	return Schema{typ, json.RawMessage(text)}, err
}

func (h *schemaHandlers) list(ctx context.Context, in *schemasInput) (*schemasOutput, error) {
	page, err := host.QueryPage(ctx, h.schemas.db, in.Limit, scanSchema, func(one Schema) string { return one.Type },
		`SELECT type, text FROM schemas WHERE owner = $1 AND ($2 = '' OR type > $2) ORDER BY type LIMIT $3`,
		host.Caller(ctx).UserID, in.After)
	if err != nil {
		return nil, fmt.Errorf("list schemas: %w", err)
	}
	return &schemasOutput{page}, nil
}

func errNoSchema(typ string) error {
	return problem(http.StatusNotFound, "you have no schema for the type "+strconv.Quote(typ))
}

func (h *schemaHandlers) get(ctx context.Context, in *schemaPath) (*schemaOutput, error) {
	found, err := scanSchema(h.schemas.db.QueryRowContext(ctx, `SELECT type, text FROM schemas WHERE owner = $1 AND type = $2`,
		host.Caller(ctx).UserID, in.Type))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, errNoSchema(in.Type)
	}
	if err != nil {
		return nil, fmt.Errorf("get schema: %w", err)
	}
	return &schemaOutput{found}, nil
}

func (h *schemaHandlers) put(ctx context.Context, in *schemaInput) (*schemaOutput, error) {
	if !validJSON(in.RawBody) {
		return nil, problem(http.StatusBadRequest, errNotJSON.Error())
	}
	_, err := schema.Compile(in.RawBody)
	if wrong := (*schema.Fault)(nil); errors.As(err, &wrong) {
		return nil, host.Invalid(wrong.Pointer, wrong.Detail)
	}
	if err != nil {
		return nil, err
	}
	owner := host.Caller(ctx).UserID
	var n int
	err = h.schemas.db.QueryRowContext(ctx, `SELECT count(*) FROM schemas WHERE owner = $1 AND type <> $2`, owner, in.Type).Scan(&n)
	if err != nil {
		return nil, fmt.Errorf("put schema: %w", err)
	}
	if n >= maxSchemas {
		return nil, problem(http.StatusInsufficientStorage, "you have "+strconv.Itoa(maxSchemas)+" schemas: delete one first")
	}
	_, err = h.schemas.db.ExecContext(ctx, `INSERT INTO schemas (owner, type, text, at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (owner, type) DO UPDATE SET text = excluded.text, at = excluded.at`,
		owner, in.Type, string(in.RawBody), h.schemas.now().UnixMilli())
	if err != nil {
		return nil, fmt.Errorf("put schema: %w", err)
	}
	h.schemas.forget(schemaKey{owner, in.Type})
	return &schemaOutput{Schema{in.Type, json.RawMessage(slices.Clone(in.RawBody))}}, nil
}

func (h *schemaHandlers) delete(ctx context.Context, in *schemaPath) (*struct{}, error) {
	owner := host.Caller(ctx).UserID
	res, err := h.schemas.db.ExecContext(ctx, `DELETE FROM schemas WHERE owner = $1 AND type = $2`, owner, in.Type)
	if err != nil {
		return nil, fmt.Errorf("delete schema: %w", err)
	}
	if n, err := res.RowsAffected(); err == nil && n == 0 {
		return nil, errNoSchema(in.Type)
	}
	h.schemas.forget(schemaKey{owner, in.Type})
	return nil, nil
}
