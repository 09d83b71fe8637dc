package stacktest_test

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"axion/web/stacktest"
)

// none is how pages say that there is nothing.
var none = regexp.MustCompile(`(?m)(^| )(No|Nothing|0) `)

// TestLoading opens each page of a server that answers nothing but files: it says that
// it is loading, and not that there is nothing.
func TestLoading(t *testing.T) {
	t.Parallel()
	stacktest.NeedNode(t)
	b := stacktest.OpenTab(t)
	s := stacktest.Launch(t, binary)
	dashboard, err := url.Parse(s.Dashboard)
	if err != nil {
		t.Fatal(err)
	}
	files, over := httputil.NewSingleHostReverseProxy(dashboard), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/api/") || strings.HasPrefix(r.URL.Path, "/ws") {
			<-over
			return
		}
		files.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(over) })
	for _, path := range []string{"/", "/flow", "/routes", "/topics", "/services", "/projects", "/faults"} {
		b.Open(server.URL + path)
		b.Await("connecting…", "Loading")
		if text := b.Text("main"); none.MatchString(text) {
			t.Errorf("%s: got %q before anything is known", path, text)
		}
		everySize(b, path)
	}
	b.AssertNoConsoleErrors()
}
