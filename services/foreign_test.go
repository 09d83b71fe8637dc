package services

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"axion/services/host"
	"axion/web/view"
)

func TestForeign(t *testing.T) {
	t.Parallel()
	answer := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if answer == 0 {
			<-r.Context().Done()
			return
		}
		w.WriteHeader(answer)
	}))
	at := server.Listener.Addr().String()
	state := func(patience time.Duration) view.State {
		var st serviceStatus
		st.probeExternal(t.Context(), host.Client(nil), []string{at}, patience)
		return st.State
	}
	if got := state(time.Minute); got != "healthy" {
		t.Errorf("a process that answers: got %s", got)
	}
	answer = http.StatusServiceUnavailable
	if got := state(time.Minute); got != "unhealthy" {
		t.Errorf("a process that is not well: got %s", got)
	}
	answer = 0
	if got := state(time.Millisecond); got != "unhealthy" {
		t.Errorf("a process that does not answer: got %s", got)
	}
	server.Close()
	if got := state(time.Minute); got != "absent" {
		t.Errorf("no process: got %s", got)
	}
	var nowhere serviceStatus
	if nowhere.probeExternal(t.Context(), host.Client(nil), nil, time.Minute); nowhere.State != "absent" || nowhere.Address != "" {
		t.Errorf("none that may be asked: got %+v", nowhere)
	}
}
