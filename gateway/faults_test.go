package gateway_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"axion/gateway/explain"
	"axion/gateway/fault"
	"axion/web/view"
)

// broken starts a gateway with one router, and counts what its service is asked.
func broken(t *testing.T) (s *stack, asked *atomic.Int64) {
	t.Helper()
	asked = new(atomic.Int64)
	backend := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	t.Cleanup(backend.Close)
	labels := route("shop", "Host(`shop.localhost`)", backend.URL)
	return start(t, compose(append(labels, route("other", "Host(`other.localhost`)", backend.URL)...)...)), asked
}

// plainly sends a request to a host over plain HTTP.
func (s *stack) plainly(host string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, "http://"+s.http+"/", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Host = host
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err == nil {
		body, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		res.Body = io.NopCloser(strings.NewReader(string(body)))
	}
	return res, err
}

func (s *stack) breaks(f view.FaultSpec) view.FaultHandle {
	s.t.Helper()
	if f.Percent == 0 {
		f.Percent = 100
	}
	a, err := s.Break(f)
	if err != nil {
		s.t.Fatal(err)
	}
	return a
}

func TestBreak(t *testing.T) {
	t.Parallel()
	t.Run("OK/Error", func(t *testing.T) {
		t.Parallel()
		s, asked := broken(t)
		f := s.breaks(view.FaultSpec{Kind: fault.Error, Target: "shop@docker", Status: 503})
		res, err := s.plainly("shop.localhost")
		if err != nil || res.StatusCode != 503 || res.Header.Get(fault.Header) != "error 503" || asked.Load() != 0 || f.Hits() != 1 {
			t.Fatalf("got %v (%v), %d asked, %d hits", res, err, asked.Load(), f.Hits())
		}
		if res, err := s.plainly("other.localhost"); err != nil || res.StatusCode != 200 {
			t.Errorf("another router: got %v (%v)", res, err)
		}
		f.End()
		if res, err := s.plainly("shop.localhost"); err != nil || res.StatusCode != 200 {
			t.Errorf("after the fault: got %v (%v)", res, err)
		}
	})
	t.Run("OK/Drop", func(t *testing.T) {
		t.Parallel()
		s, asked := broken(t)
		f := s.breaks(view.FaultSpec{Kind: fault.Drop, Target: "shop"}) // the provider may be left out
		if res, err := s.plainly("shop.localhost"); !errors.Is(err, io.EOF) && !strings.Contains(fmt.Sprint(err), "reset") || asked.Load() != 0 ||
			f.Hits() != 1 {
			t.Errorf("got %v (%v), want no answer", res, err)
		}
	})
	t.Run("OK/Delay", func(t *testing.T) {
		t.Parallel()
		s, asked := broken(t)
		f := s.breaks(view.FaultSpec{Kind: fault.Delay, Target: "shop@docker", DelayMS: 3_600_000})
		answered := make(chan int, 1)
		go func() {
			if res, err := s.plainly("shop.localhost"); err == nil {
				answered <- res.StatusCode
			}
			close(answered)
		}()
		eventually(t, "the request to be hit", func() bool { return f.Hits() == 1 })
		if asked.Load() != 0 {
			t.Error("the service was asked while the fault was on")
		}
		f.End()
		if got := <-answered; got != 200 || asked.Load() != 1 {
			t.Errorf("after the fault: got %d, %d asked", got, asked.Load())
		}
	})
	t.Run("OK/Percent", func(t *testing.T) {
		t.Parallel()
		s, asked := broken(t)
		f := s.breaks(view.FaultSpec{Kind: fault.Error, Target: "shop@docker", Status: 500, Percent: 50})
		const requests = 64 // all alike once in 2^63
		for range requests {
			if _, err := s.plainly("shop.localhost"); err != nil {
				t.Fatal(err)
			}
		}
		if n := f.Hits(); n == 0 || n == requests || n+asked.Load() != requests {
			t.Errorf("got %d hits and %d asked of %d", n, asked.Load(), requests)
		}
	})
	t.Run("OK/Told", func(t *testing.T) {
		t.Parallel()
		s, _ := broken(t)
		s.breaks(view.FaultSpec{Kind: fault.Delay, Target: "shop@docker", DelayMS: 5, JitterMS: 2, Percent: 20})
		const want = "delay 5 to 7 ms (20 % of requests)"
		at := slices.IndexFunc(s.Routes(), func(r view.Route) bool { return r.Name == "shop@docker" })
		if got := s.Routes()[at].Faults; !slices.Equal(got, []string{want}) {
			t.Errorf("routes: got %v", got)
		}
		a, err := s.Explainer.Explain(explain.Request{URL: "http://shop.localhost/"})
		if err != nil || !slices.Equal(a.Router.Faults, []string{want}) {
			t.Errorf("explain: got %+v (%v)", a, err)
		}
	})
	t.Run("ErrTarget", func(t *testing.T) {
		t.Parallel()
		s, _ := broken(t)
		if _, err := s.Break(view.FaultSpec{Kind: fault.Drop, Target: "shp@docker", Percent: 100}); err == nil ||
			!strings.Contains(err.Error(), "did you mean shop@docker?") {
			t.Errorf("got %v", err)
		}
	})
}

func BenchmarkStrike(b *testing.B) {
	r, w := httptest.NewRequest(http.MethodGet, "http://a/", nil), httptest.NewRecorder()
	var none fault.Set
	b.ReportAllocs()
	for b.Loop() {
		none.Apply(w, r, fault.Route{Router: "shop@docker"}, nil)
	}
}
