package observe_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"axion/gateway/observe"
)

// TestDate gives an answer the time where it has none, and none where it was taken away.
func TestDate(t *testing.T) {
	t.Parallel()
	const told = "Mon, 01 Jan 2024 00:00:00 GMT"
	o := observe.New(observe.Options{})
	for range 2 {
		for name, tt := range map[string]struct {
			date []string
			set  bool
		}{"OK": {}, "OKServers": {[]string{told}, true}, "OKRemoved": {nil, true}} {
			w := httptest.NewRecorder()
			x := o.Begin(w, httptest.NewRequest(http.MethodGet, "/", nil), "web")
			if tt.set {
				w.Header()["Date"] = tt.date
			}
			before := time.Now().Truncate(time.Second)
			x.WriteHeader(http.StatusOK)
			got := w.Header()["Date"]
			x.End()
			switch at, err := http.ParseTime(w.Header().Get("Date")); {
			case tt.set && (len(got) != len(tt.date) || len(got) == 1 && got[0] != told):
				t.Errorf("%s: got %q, want %q", name, got, tt.date)
			case !tt.set && (err != nil || at.Before(before) || at.After(time.Now())):
				t.Errorf("%s: got %q, want now", name, got)
			}
		}
	}
}
