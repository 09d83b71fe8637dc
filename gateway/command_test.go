package gateway_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"axion/gateway/command"
)

func TestCommand(t *testing.T) {
	t.Parallel()
	routes := func(address string) (string, error) {
		var out strings.Builder
		cmd := command.All(command.Stack{Dashboard: func() (string, error) { return address, nil }})[0]
		cmd.SetArgs(nil)
		cmd.SetOut(&out)
		cmd.SilenceErrors, cmd.SilenceUsage = true, true
		err := cmd.ExecuteContext(t.Context())
		return out.String(), err
	}
	hint := func(err error) string {
		if m, ok := errors.AsType[interface {
			error
			Hint() string
		}](err); ok {
			return m.Hint()
		}
		return ""
	}
	t.Run("OK", func(t *testing.T) {
		t.Parallel()
		out, err := routes(serve(t, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"items":[{"name":"shop@docker"}]}`)
		}))
		if err != nil || !strings.Contains(out, "shop@docker") {
			t.Errorf("got %q, %v, want the route", out, err)
		}
	})
	t.Run("ErrNotRunning", func(t *testing.T) {
		t.Parallel()
		_, err := routes("http://127.0.0.1:1") // no one listens there
		if err == nil {
			t.Fatal("got no error")
		}
		want(t, "hint", hint(err), "is the stack running? start it with: axion")
	})
	t.Run("ErrStatus", func(t *testing.T) {
		t.Parallel()
		_, err := routes(serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }))
		if err == nil || !strings.Contains(err.Error(), "500") {
			t.Fatalf("error: got %v, want one that names the status", err)
		}
		want(t, "hint", hint(err), "")
	})
}
