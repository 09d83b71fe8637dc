package proxy

import (
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// TestDescribe holds the API's description to all that is passed on.
func TestDescribe(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	api := humago.New(mux, huma.DefaultConfig("dashboard", "1"))
	New(nil, slog.New(slog.DiscardHandler)).Register(mux, api)
	for _, op := range operations {
		item := api.OpenAPI().Paths[op.path]
		if item == nil {
			t.Errorf("nothing describes %s", op.path)
			continue
		}
		byMethod := map[string]*huma.Operation{
			http.MethodGet: item.Get, http.MethodPost: item.Post, http.MethodPut: item.Put,
			http.MethodPatch: item.Patch, http.MethodDelete: item.Delete,
		}
		got := byMethod[op.method]
		if got == nil || got.Summary != op.summary {
			t.Errorf("got %+v for %s %s, want %q", got, op.method, op.path, op.summary)
			continue
		}
		if needsToken := op.method != http.MethodGet; (len(got.Security) > 0) != needsToken {
			t.Errorf("%s %s: got security %v", op.method, op.path, got.Security)
		}
		want := strings.Count(op.path, "{") + len(op.query)
		if op.match {
			want++
		}
		if len(got.Parameters) != want {
			t.Errorf("%s %s: got %d parameters", op.method, op.path, len(got.Parameters))
		}
	}
}
