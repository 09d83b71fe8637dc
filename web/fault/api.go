package fault

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"axion/web/view"
)

// body is the answer of an operation.
type body[T any] struct {
	Location string `header:"Location"`
	Body     T
}

// Register adds /api/faults.
func (r *Registry) Register(api huma.API) {
	add(api, huma.Operation{Method: http.MethodGet, OperationID: "list-faults", Summary: "The injected faults, and those that have ended"},
		func(context.Context, *struct{}) (*body[List], error) { return &body[List]{Body: r.List()}, nil })
	add(api, huma.Operation{Method: http.MethodPost, OperationID: "begin-fault", Summary: "Inject a fault for a time",
		DefaultStatus: http.StatusCreated},
		func(_ context.Context, in *struct{ Body view.FaultSpec }) (*body[Fault], error) {
			f, err := r.Start(in.Body)
			switch {
			case errors.Is(err, errOff) || errors.Is(err, errFull):
				return nil, huma.Error409Conflict(err.Error())
			case err != nil:
				return nil, huma.Error422UnprocessableEntity(err.Error())
			}
			return &body[Fault]{Location: "/api/faults/" + f.ID, Body: f}, nil
		})
	add(api, huma.Operation{Method: http.MethodDelete, OperationID: "end-faults", Summary: "End every fault", DefaultStatus: http.StatusOK},
		func(context.Context, *struct{}) (*body[ended], error) {
			return &body[ended]{Body: ended{r.StopAll("ended by hand")}}, nil
		})
	add(api, huma.Operation{Method: http.MethodDelete, Path: "/api/faults/{id}", OperationID: "end-fault", Summary: "End one fault",
		DefaultStatus: http.StatusNoContent},
		func(_ context.Context, in *struct {
			ID string `path:"id" doc:"The id in the answer that it was created with."`
		}) (*struct{}, error) {
			if !r.Stop(in.ID, "ended by hand") {
				return nil, huma.Error404NotFound("no such fault is on: it has ended, or never was")
			}
			return nil, nil
		})
}

// ended is the answer to the end of all.
type ended struct {
	Ended int `json:"ended" doc:"How many faults were on."`
}

func add[I, O any](api huma.API, op huma.Operation, handler func(context.Context, *I) (*O, error)) {
	if op.Path == "" {
		op.Path = "/api/faults"
	}
	op.Tags = []string{"faults"}
	if op.Method != http.MethodGet {
		op.Security = []map[string][]string{{"token": {}}}
	}
	huma.Register(api, op, handler)
}
