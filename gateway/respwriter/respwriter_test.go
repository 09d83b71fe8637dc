package respwriter_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"axion/gateway/respwriter"
)

type wrapper struct{ http.ResponseWriter }

func (w wrapper) Unwrap() http.ResponseWriter { return w.ResponseWriter }

type retrier struct {
	wrapper
	again bool
}

func (r retrier) Unreachable(error) bool { return r.again }

func TestFind(t *testing.T) {
	t.Parallel()
	end := httptest.NewRecorder()
	t.Run("OK/NearestBehindWrappers", func(t *testing.T) {
		t.Parallel()
		w := wrapper{retrier{wrapper{retrier{wrapper{end}, false}}, true}}
		got, ok := respwriter.Find[respwriter.FailureHandler](w)
		if !ok || !got.Unreachable(errors.New("refused")) {
			t.Errorf("found: got %v, %t, want the nearer writer", got, ok)
		}
	})
	t.Run("OK/None", func(t *testing.T) {
		t.Parallel()
		if got, ok := respwriter.Find[respwriter.RetryRecorder](wrapper{end}); ok || got != nil {
			t.Errorf("found: got %v, %t, want none", got, ok)
		}
	})
}

func BenchmarkFind(b *testing.B) {
	w := http.ResponseWriter(&wrapper{&wrapper{httptest.NewRecorder()}})
	b.ReportAllocs()
	for b.Loop() {
		respwriter.Find[respwriter.RetryRecorder](w)
	}
}
