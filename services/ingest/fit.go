package ingest

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"axion/services/host"
	"axion/services/ingest/schema"
)

// fit refuses events whose data does not fit the schema that their sender has given for
// their type, with the path of each fault. All of a request's checks have one budget.
func (s *service) fit(ctx context.Context, h http.Header, events []event) error {
	owner, err := s.sender(ctx, h)
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
		faults, err := s.schemas.check(ctx, budget, owner, &events[i], pointer)
		if err != nil {
			return gaveUp(err, events[i].get("type"), pointer)
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

// gaveUp says that a check was not ended, where that is the schema's doing.
func gaveUp(err error, typ, pointer string) error {
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
