package ingest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"axion/services/host"
	"axion/services/ingest/schema"
)

const (
	// maxSchemas bounds those of one user.
	maxSchemas = 1000
	// maxCompiled bounds the schemas that are kept ready.
	maxCompiled = 64
	// schemaPause is how long a schema is used before it is read again: another process
	// may have changed it.
	schemaPause = time.Second
	// compileSteps are what compiling a schema costs, of a request's budget, for each
	// of its bytes.
	compileSteps = 4
)

// schemaKey is whose schema it is, and of which type of events.
type schemaKey struct{ owner, typ string }

// schemas are the JSON Schemas that the data of events must fit: those that their
// sender has given. A type without one has any data.
type schemas struct {
	db  *sql.DB
	log *slog.Logger
	now func() time.Time

	mu    sync.Mutex
	ready map[schemaKey]readySchema
	// used says whether anybody has given a schema, as of checkedAt.
	used      bool
	checkedAt time.Time
}

// readySchema is one as it was read; compiled is nil where there is none.
type readySchema struct {
	read     time.Time
	text     string
	compiled *schema.Schema
}

// check returns what is wrong with the data of an owner's event whose place in the
// body is pointer.
func (s *schemas) check(ctx context.Context, b *schema.Budget, owner string, e *event, pointer string) ([]host.FieldError, error) {
	compiled, err := s.get(ctx, b, schemaKey{owner, e.get("type")})
	if err != nil || compiled == nil {
		return nil, err
	}
	if e.data == nil || !isJSON(e.contentType) {
		return []host.FieldError{{Pointer: pointer, Detail: "must be JSON: there is a schema for events of this type"}}, nil
	}
	faults, err := compiled.Validate(b, e.data, maxReported)
	var list []host.FieldError
	for _, f := range faults {
		list = append(list, host.FieldError{Pointer: pointer + f.Pointer, Detail: f.Detail})
	}
	return list, err
}

// get is a schema, ready to check; nil where there is none.
func (s *schemas) get(ctx context.Context, b *schema.Budget, key schemaKey) (*schema.Schema, error) {
	s.mu.Lock()
	known, ok := s.ready[key]
	s.mu.Unlock()
	now := s.now()
	if ok && now.Sub(known.read) < schemaPause {
		return known.compiled, nil
	}
	var text string
	err := s.db.QueryRowContext(ctx, `SELECT text FROM schemas WHERE owner = $1 AND type = $2`, key.owner, key.typ).Scan(&text)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		known = readySchema{}
	case err != nil:
		return nil, fmt.Errorf("read schema of %s: %w", key.typ, err)
	case known.compiled == nil || known.text != text:
		if err := b.Spend(compileSteps * len(text)); err != nil {
			return nil, err
		}
		compiled, err := schema.Compile([]byte(text))
		if err != nil { // of before there were bounds
			return nil, &staleSchemaError{key.typ, err}
		}
		known = readySchema{text: text, compiled: compiled}
	}
	known.read = now
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.ready) >= maxCompiled {
		clear(s.ready)
	}
	s.ready[key] = known
	return known.compiled, nil
}

// staleSchemaError is a schema that was accepted once, and is not any more.
type staleSchemaError struct {
	typ string
	err error
}

func (e *staleSchemaError) Error() string {
	return "the schema of " + strconv.Quote(e.typ) + ": " + e.err.Error()
}

// inUse reports whether anybody has given a schema: else the sender does not matter.
func (s *schemas) inUse(ctx context.Context) (bool, error) {
	s.mu.Lock()
	used, fresh := s.used, s.now().Sub(s.checkedAt) < schemaPause
	s.mu.Unlock()
	if fresh {
		return used, nil
	}
	err := s.db.QueryRowContext(ctx, `SELECT count(*) > 0 FROM (SELECT 1 FROM schemas WHERE owner <> '' LIMIT 1) AS given`).Scan(&used)
	if err != nil {
		return false, fmt.Errorf("read schemas: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used, s.checkedAt = used, s.now()
	return used, nil
}

// forget has a schema read anew.
func (s *schemas) forget(key schemaKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.ready, key)
	s.checkedAt = time.Time{}
}

// warnUnowned logs that there are schemas from before they had owners.
func (s *schemas) warnUnowned(ctx context.Context) error {
	var n int
	if err := s.db.QueryRowContext(ctx, `SELECT count(*) FROM schemas WHERE owner = ''`).Scan(&n); err != nil {
		s.log.WarnContext(ctx, "schemas without owners not counted", "error", err)
	} else if n > 0 {
		s.log.WarnContext(ctx, "schemas of an earlier version have no owner, and no event is checked against them",
			"schemas", n, "hint", "PUT /api/schemas/{type} each again, with the token that the events are sent with")
	}
	return nil
}
