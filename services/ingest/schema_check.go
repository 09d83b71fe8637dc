package ingest

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"axion/services/auth/verifier"
	"axion/services/host"
	"axion/services/ingest/schema"
)

// schemaCheck checks events by the schemas of those who send them.
type schemaCheck struct {
	schemas  *schemas
	verifier *verifier.Verifier
	log      *slog.Logger
}

// validate refuses events whose data does not fit the schema that their sender has given for
// their type, with the path of each fault. All of a request's checks have one budget.
func (c *schemaCheck) validate(ctx context.Context, h http.Header, events []event) error {
	owner, err := c.sender(ctx, h)
	if err != nil || owner == "" {
		return err
	}
	media := strings.ToLower(h.Get("Content-Type"))
	budget := schema.NewBudget(ctx)
	var wrong []host.FieldError
	for i := range events {
		pointer := ""
		if strings.HasPrefix(media, "application/cloudevents-batch") {
			pointer = "/" + strconv.Itoa(i)
		}
		if strings.HasPrefix(media, "application/cloudevents") {
			pointer += "/data"
		}
		faults, err := c.schemas.check(ctx, budget, owner, &events[i], pointer)
		if err != nil {
			return notChecked(err, events[i].get("type"), pointer)
		}
		if wrong = append(wrong, faults...); len(wrong) >= maxReported {
			wrong = wrong[:maxReported]
			break
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	p := problem(http.StatusUnprocessableEntity, "the data does not fit the schema of its type")
	p.Errors = wrong
	return p
}

// notChecked says that a check was not ended, where that is the schema's doing.
func notChecked(err error, typ, pointer string) error {
	p := problem(http.StatusUnprocessableEntity, "the data cannot be checked against the schema of its type")
	of := "the schema of " + strconv.Quote(typ)
	switch stale := (*staleSchemaError)(nil); {
	case errors.Is(err, schema.ErrDepth):
		p.Errors = []host.FieldError{{Pointer: pointer, Detail: of + " " + err.Error() +
			" on it: hint: shorten its chains of $ref, or nest the data less"}}
	case errors.Is(err, schema.ErrSteps), errors.Is(err, schema.ErrTime):
		p.Errors = []host.FieldError{{Pointer: pointer, Detail: "checking the request's events " + err.Error() + ", here with " + of +
			": hint: send fewer or smaller events, or refer to a part of the schema once where it is referred to twice"}}
	case errors.As(err, &stale):
		p.Errors = []host.FieldError{{Pointer: pointer, Detail: stale.Error() + ": hint: PUT /api/schemas/{type} with one that is smaller"}}
	default:
		return err
	}
	return p
}

// sender is the user whose token came with the events, "" without a valid one: events
// need none, and many a webhook sends a token that means nothing here.
func (c *schemaCheck) sender(ctx context.Context, h http.Header) (string, error) {
	token := verifier.Bearer(h.Get("Authorization"))
	if token == "" {
		return "", nil
	}
	if used, err := c.schemas.inUse(ctx); err != nil || !used {
		return "", err
	}
	id, err := c.verifier.Verify(ctx, token)
	switch {
	case errors.Is(err, verifier.ErrUnauthorized):
		return "", nil
	case err != nil && ctx.Err() == nil:
		c.log.ErrorContext(ctx, "token not verified", "error", err)
		return "", problem(http.StatusServiceUnavailable,
			"the auth service does not answer: whose schemas the events must fit is not known; try again")
	}
	return id.UserID, err
}
