package ingest

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"axion/services/host"
)

// fit refuses events whose data does not fit the schema of their type, with the path
// of each fault.
func (s *service) fit(ctx context.Context, h http.Header, events []event) error {
	media := strings.ToLower(h.Get("Content-Type"))
	var wrong []host.FieldError
	for i := range events {
		pointer := ""
		if strings.HasPrefix(media, "application/cloudevents-batch") {
			pointer = "/" + strconv.Itoa(i)
		}
		if strings.HasPrefix(media, "application/cloudevents") {
			pointer += "/data"
		}
		faults, err := s.schemas.check(ctx, &events[i], pointer)
		if err != nil {
			return err
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
