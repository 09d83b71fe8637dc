package gateway_test

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/quic-go/quic-go/http3"

	"axion/gateway/config"
)

// TestFollowHTTP3 begins to speak HTTP/3 at an open entrypoint, changes its limits
// while a request is under way, and ends it.
func TestFollowHTTP3(t *testing.T) {
	t.Parallel()
	x := bothFree(t)
	begun, more := make(chan struct{}), make(chan struct{})
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			_, _ = io.WriteString(w, "begun ")
			_ = http.NewResponseController(w).Flush()
			close(begun)
			<-more
		}
		_, _ = io.WriteString(w, "a")
	})
	routes := both(url)
	s := start(t, withEntries(routes, at("a", ":"+x)))
	client := func() *http3.Transport {
		tr := &http3.Transport{TLSClientConfig: &tls.Config{RootCAs: s.RootPool(), ServerName: "a.localhost"}}
		t.Cleanup(func() { _ = tr.Close() })
		return tr
	}
	ask := func(tr http.RoundTripper, path string, size int) (*http.Response, error) {
		req, err := http.NewRequestWithContext(t.Context(), "GET", "https://127.0.0.1:"+x+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = "a.localhost"
		req.Header.Set("X-Long", strings.Repeat("x", size))
		return tr.RoundTrip(req)
	}
	status := func(size int) int {
		res, err := ask(client(), "/", size)
		if err != nil {
			return 0
		}
		_ = res.Body.Close()
		return res.StatusCode
	}
	alternative := func() string {
		_, _, res := dialWire(t, "127.0.0.1:"+x).ask("/")
		tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: s.RootPool(), ServerName: "a.localhost"}}
		defer tr.CloseIdleConnections()
		secure, err := ask(tr, "/", 0)
		if err != nil || res == nil {
			return "none"
		}
		_ = secure.Body.Close()
		return secure.Header.Get("Alt-Svc") + res.Header.Get("Alt-Svc")
	}
	want(t, "at first", alternative(), "")
	s.save(withEntries(routes, at("a", ":"+x, ".http3=true")))
	eventually(t, "it is offered", func() bool { return alternative() == `h3=":`+x+`"; ma=86400` })
	want(t, "then", status(16<<10), 200)
	tr := client()
	slow, err := ask(tr, "/slow", 0)
	if err != nil {
		t.Fatal(err)
	}
	await(t, begun, "the request")
	s.save(withEntries(routes, at("a", ":"+x, ".http3.advertisedport=1", ".http.maxheaderbytes=8192")))
	eventually(t, "another port is told", func() bool { return alternative() == `h3=":1"; ma=86400` })
	want(t, "beyond the new limit", status(16<<10), http.StatusRequestHeaderFieldsTooLarge)
	want(t, "within it", status(1<<10), 200)
	close(more)
	if body, err := io.ReadAll(slow.Body); err != nil || string(body) != "begun a" {
		t.Errorf("what was under way: got %q, %v", body, err)
	}
	_ = slow.Body.Close()
	_ = tr.Close()
	s.save(withEntries(routes, at("a", ":"+x)))
	eventually(t, "it is not offered", func() bool { return alternative() == "" })
}

// TestHTTP3Busy says that HTTP/3 is not served, and serves the rest.
func TestHTTP3Busy(t *testing.T) {
	t.Parallel()
	x := bothFree(t)
	taken, err := net.ListenPacket("udp", "127.0.0.1:"+x)
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	s := start(t, withEntries(both(upstream(t, "a")), at("a", ":"+x, ".http3=true")))
	told := func() bool {
		return slices.ContainsFunc(s.Problems(), func(p config.Problem) bool {
			return strings.Contains(p.Message, `entrypoint "a" is open, but not for HTTP/3`)
		})
	}
	want(t, "it is told", told(), true)
	want(t, "the rest", sayTCP(t, x), "a")
	_ = taken.Close()
	s.save(withEntries(both(upstream(t, "b")), at("a", ":"+x, ".http3=true")))
	eventually(t, "it is served with the next change", func() bool { return !told() })
}
