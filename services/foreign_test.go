package services

import (
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestForeign(t *testing.T) {
	t.Parallel()
	answer := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(answer) }))
	port := server.Listener.Addr().(*net.TCPAddr).Port
	state := func() string {
		var st Status
		st.foreign(t.Context(), port)
		return st.State
	}
	if got := state(); got != "healthy" {
		t.Errorf("a process that answers: got %s", got)
	}
	answer = http.StatusServiceUnavailable
	if got := state(); got != "unhealthy" {
		t.Errorf("a process that is not well: got %s", got)
	}
	server.Close()
	if got := state(); got != "absent" {
		t.Errorf("no process: got %s", got)
	}
}
