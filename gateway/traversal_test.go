package gateway_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
)

// A path that a middleware changed leaves nothing, wherever the middleware stands.
func TestPathTraversal(t *testing.T) {
	t.Parallel()
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.RequestURI) }))
	t.Cleanup(service.Close)
	labels := []string{
		"http.middlewares.s.stripprefix.prefixes=/api",
		"http.middlewares.p.addprefix.prefix=/base",
		"http.middlewares.c.chain.middlewares=c2",
		"http.middlewares.c2.chain.middlewares=s",
		"http.middlewares.r.retry.attempts=3",
		"http.middlewares.e.errors.status=500-599",
		"http.middlewares.e.errors.service=strip",
		"http.middlewares.e.errors.query=/{status}",
	}
	for name, wares := range map[string]string{"strip": "s", "chain": "c", "retry": "r,e,s", "both": "s,p", "add": "p"} {
		labels = append(labels, route(name, "Host(`"+name+".localhost`)", service.URL, "middlewares="+wares)...)
	}
	labels = append(labels, route("keep", "Host(`keep.localhost`)", service.URL+"/own", "middlewares=s")...)
	labels = append(labels, "http.services.keep.loadbalancer.server.preservepath=true")
	labels = append(labels, route("service", "Host(`service.localhost`)", service.URL)...)
	labels = append(labels, "http.services.service.middlewares=s")
	s := start(t, compose(labels...))
	for _, tt := range []struct{ host, path, want string }{
		{"strip", "/api../admin", "400"},
		{"strip", "/api./admin", "400"},
		{"strip", "/api%2e%2e/admin", "400"},
		{"strip", "/api%2E%2e%2Fadmin", "400"},
		{"strip", "/api/../admin", "200 /admin"}, // resolved before it is routed
		{"strip", "/api/a%2Fb?q=%2e%2e", "200 /a%2Fb?q=%2e%2e"},
		{"chain", "/api../admin", "400"},
		{"retry", "/api../admin", "400"},
		{"both", "/api../admin", "400"},
		{"both", "/api/x", "200 /base/x"},
		{"service", "/api../admin", "400"},
		{"service", "/api/x", "200 /x"},
		{"add", "/..%2fadmin", "400"},
		{"add", "/../admin", "200 /base/admin"},
		{"keep", "/..%2fadmin", "400"},
		{"keep", "/a", "200 /own/a"},
	} {
		t.Run(tt.host+tt.path, func(t *testing.T) {
			t.Parallel()
			want(t, "answers", asked(t, s, tt.host+".localhost", tt.path), [2]string{tt.want, tt.want})
		})
	}
}

// The middlewares of an entrypoint change paths too.
func TestPathTraversalAtEntryPoint(t *testing.T) {
	t.Parallel()
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.RequestURI) }))
	t.Cleanup(service.Close)
	labels := append(route("a", "Host(`a.localhost`)", service.URL), "http.middlewares.s.stripprefix.prefixes=/api")
	s := start(t, compose(labels...)+`  traefik:
    image: traefik:v3
    command: ["--entrypoints.web.address=:80", "--entrypoints.web.http.middlewares=s@docker"]
`)
	want(t, "answers", asked(t, s, "a.localhost", "/api../admin"), [2]string{"400", "400"})
	want(t, "answers", asked(t, s, "a.localhost", "/api/x"), [2]string{"200 /x", "200 /x"})
}

// asked sends the same request twice on one connection, its path as it is.
func asked(t *testing.T, s *stack, host, path string) (answers [2]string) {
	t.Helper()
	c, err := net.Dial("tcp", s.http)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	from := bufio.NewReader(c)
	for i := range answers {
		fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", path, host)
		resp, err := http.ReadResponse(from, nil)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		answers[i] = fmt.Sprint(resp.StatusCode)
		if resp.StatusCode == http.StatusOK {
			answers[i] += " " + string(body)
		}
	}
	return answers
}
