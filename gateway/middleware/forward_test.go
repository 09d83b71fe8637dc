package middleware_test

import (
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"axion/gateway/config"
	"axion/gateway/middleware"
	"axion/gateway/respwriter"
)

// buildIn builds in an environment of the test's own.
func buildIn(t testing.TB, env middleware.Env, m config.Middleware, next http.Handler) http.Handler {
	t.Helper()
	wrap, err := middleware.Build(&m, env)
	if err != nil {
		t.Fatal(err)
	}
	return wrap(next)
}

// forward is a proxy to target that keeps the contract of [respwriter.FailureHandler].
func forward(t testing.TB, target string) http.Handler {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &httputil.ReverseProxy{
		Transport: transport,
		ErrorLog:  log.New(io.Discard, "", 0),
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(u); r.Out.Host = r.In.Host },
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			if u, ok := respwriter.Find[respwriter.FailureHandler](w); ok && u.Unreachable(err) {
				return
			}
			http.Error(w, "Bad Gateway", http.StatusBadGateway)
		},
	}
}

// serve starts a server that ends with the test.
func serve(t testing.TB, h http.Handler) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Start()
	t.Cleanup(s.Close)
	return s
}

// closed is an address where nobody listens, nor will: the port is taken, by the
// client of a connection.
func closed(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return "http://" + c.LocalAddr().String()
}

// answer is what a client got.
type answer struct {
	*http.Response
	body string
}

func get(t testing.TB, url string, header ...string) answer {
	t.Helper()
	return ask(t, http.MethodGet, url, nil, header...)
}

// ask sends header as names and values in turn, and takes bodies as they come.
func ask(t testing.TB, method, url string, body io.Reader, header ...string) answer {
	t.Helper()
	r, err := http.NewRequest(method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	transport := &http.Transport{DisableCompression: true}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("read the answer: %v", err)
	}
	return answer{resp, string(got)}
}

func checkRefused(t *testing.T, m config.Middleware, want string) {
	t.Helper()
	if _, err := middleware.Build(&m, env); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error: got %v, want one about %s", err, want)
	}
}
