package ingest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"axion/services/auth/verifier"
	"axion/services/host"
	"axion/services/ingest/schema"
)

const (
	// maxSchemas bounds those of one user.
	maxSchemas = 1000
	// maxCompiled bounds the schemas that are kept ready.
	maxCompiled = 64
	// schemaPause is how long a schema is used before it is looked whether another
	// process has changed it.
	schemaPause = time.Second
	// compileSteps are what compiling a schema costs, of a request's budget, for each
	// of its bytes.
	compileSteps = 4
)

// schemaKey is whose schema it is, and of which type of events.
type schemaKey struct{ owner, typ string }

// schemas are the JSON Schemas that the data of events must fit: those that their
// sender has given. A type without one takes any data.
type schemas struct {
	db  *sql.DB
	now func() time.Time

	mu    sync.Mutex
	ready map[schemaKey]readySchema
	// used says whether anybody has given a schema, as of looked.
	used   bool
	looked time.Time
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

// staleSchemaError is a schema that was taken once, and is not any more.
type staleSchemaError struct {
	typ string
	err error
}

func (e *staleSchemaError) Error() string {
	return "the schema of " + strconv.Quote(e.typ) + ": " + e.err.Error()
}

// inUse reports whether anybody has given a schema: else nobody need know who sends.
func (s *schemas) inUse(ctx context.Context) (bool, error) {
	s.mu.Lock()
	used, fresh := s.used, s.now().Sub(s.looked) < schemaPause
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
	s.used, s.looked = used, s.now()
	return used, nil
}

// forget has a schema read anew.
func (s *schemas) forget(key schemaKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.ready, key)
	s.looked = time.Time{}
}

// sender is the user whose token came with the events, "" without a valid one: events
// need none, and many a webhook sends a token that means nothing here.
func (s *service) sender(ctx context.Context, h http.Header) (string, error) {
	token := verifier.Bearer(h.Get("Authorization"))
	if token == "" {
		return "", nil
	}
	if used, err := s.schemas.inUse(ctx); err != nil || !used {
		return "", err
	}
	id, err := s.host.Verifier.Verify(ctx, token)
	switch {
	case errors.Is(err, verifier.ErrUnauthorized):
		return "", nil
	case err != nil && ctx.Err() == nil:
		s.host.Log.ErrorContext(ctx, "token not verified", "error", err)
		return "", problem(http.StatusServiceUnavailable,
			"the auth service does not answer: whose schemas the events must fit is not known; try again")
	}
	return id.UserID, err
}
