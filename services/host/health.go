package host

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// Health is the body of /health and /ready.
type Health struct {
	Service string `json:"service"`
	Status  string `json:"status" enum:"ok"`
}

type healthOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         Health
}

// healthRoutes adds /health, which answers while the process runs, and /ready, which
// reports whether it can do its work: database open, partitions assigned.
func healthRoutes(h *Host) {
	ok := &healthOutput{CacheControl: "no-store", Body: Health{Service: h.Name, Status: "ok"}}
	Handle(h, huma.Operation{
		OperationID: "health", Method: http.MethodGet, Path: "/health", Summary: "Is the process alive?",
	}, func(context.Context, *struct{}) (*healthOutput, error) { return ok, nil })
	Handle(h, huma.Operation{
		OperationID: "ready", Method: http.MethodGet, Path: "/ready", Summary: "Can the service do its work?",
		Errors: []int{http.StatusServiceUnavailable},
	}, func(ctx context.Context, _ *struct{}) (*healthOutput, error) {
		if err := h.Ready(ctx); err != nil {
			return nil, huma.Error503ServiceUnavailable("not ready: " + err.Error())
		}
		return ok, nil
	})
}

// Index answers a browser that opens the service's address: with the service's name, and
// the paths of its documents.
func (h *Host) Index(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]string{ // the client may be gone
		"service": h.Name, "health": "/health", "ready": "/ready", "openapi": "/openapi.json",
	})
}
