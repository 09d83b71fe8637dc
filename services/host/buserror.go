package host

import (
	"errors"
	"net/http"
	"strings"

	"axion/services/bus"
)

// BusError returns an error for the requesting service. Its text is that for an HTTP client,
// in one line; internal errors are returned as they are.
func BusError(err error) error {
	var problem *Problem
	if !errors.As(err, &problem) || problem.Status >= http.StatusInternalServerError {
		return err
	}
	text := problem.Error()
	var fields []string
	for _, e := range problem.Errors {
		fields = append(fields, strings.TrimSpace(e.Pointer+e.Parameter+" "+e.Detail))
	}
	if len(fields) > 0 {
		text += ": " + strings.Join(fields, "; ")
	}
	return bus.Permanent(errors.New(text))
}
