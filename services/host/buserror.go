package host

import (
	"errors"
	"net/http"
	"strings"

	"axion/services/bus"
)

// BusError is an error for the service that asked. Its text is what an HTTP client
// would, in one line; what is not its fault it does not hear.
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
