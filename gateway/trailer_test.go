package gateway_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
)

// TestTrailer is of trailers with the names of headers that middlewares answer for:
// they do not come to the service, and others do.
func TestTrailer(t *testing.T) {
	t.Parallel()
	auth := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-Role", "guest") }))
	t.Cleanup(auth.Close)
	seen := make(chan []string, 1)
	service := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		var names []string
		for name := range r.Trailer {
			names = append(names, name)
		}
		slices.Sort(names)
		seen <- names
	}))
	t.Cleanup(service.Close)
	s := start(t, compose(append(route("a", "Host(`a.localhost`)", service.URL, "middlewares=headers,auth,late"),
		"http.middlewares.headers.headers.customrequestheaders.X-Set=a", "http.middlewares.headers.headers.customrequestheaders.X-Gone=",
		"http.middlewares.auth.forwardauth.address="+auth.URL, "http.middlewares.auth.forwardauth.authresponseheaders=X-User",
		"http.middlewares.auth.forwardauth.authresponseheadersregex=^X-Ro",
		"http.middlewares.late.headers.customrequestheaders.X-Late=a")...))
	for range 2 { // the second on a connection that was used
		body, end := io.Pipe()
		r, _ := http.NewRequest(http.MethodPost, "http://a.localhost/", body)
		r.Trailer = http.Header{}
		for _, name := range []string{"X-Set", "X-Gone", "X-User", "X-Role", "X-Late", "X-Sum"} {
			r.Trailer.Set(name, "forged")
		}
		go func() {
			_, _ = io.WriteString(end, "body")
			_ = end.Close()
		}()
		resp, err := s.client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		want(t, "status", resp.StatusCode, http.StatusOK)
		if got := <-seen; !slices.Equal(got, []string{"X-Sum"}) {
			t.Errorf("trailers: got %q, want X-Sum alone", got)
		}
	}
}
