package gateway_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"axion/gateway/command"
	"axion/gateway/config"
)

// passing is the labels of a router that sends what matches rule through the
// middleware m, whose own labels are the settings.
func passing(url, kind string, settings ...string) []string {
	labels := route("a", "Host(`a.localhost`)", url, "middlewares=m")
	for _, s := range settings {
		labels = append(labels, "http.middlewares.m."+kind+"."+s)
	}
	return labels
}

// asked what a server is sent, it answers with that and its header's lines.
func telling(t *testing.T) string {
	t.Helper()
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, r.Method, r.Host, r.RequestURI)
		for name, values := range r.Header {
			fmt.Fprintf(w, "%s: %s\n", name, strings.Join(values, "|"))
		}
	})
}

func TestLabelsOfRetry(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if calls.Add(1)%3 != 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		body, _ := io.ReadAll(r.Body)
		fmt.Fprint(w, calls.Load(), " ", len(body))
	})
	s := start(t, compose(passing(url, "retry", "attempts=3", "status=500-599", "initialinterval=1ms", "timeout=1h", "maxrequestbodybytes=4",
		"disableretryonnetworkerror=true", "retrynonidempotentmethod=true")...))
	c := s.client()
	for i, want := range []string{"3 0", "6 0"} {
		if status, body := get(t, c, "http://a.localhost/"); status != 200 || body != want {
			t.Errorf("request %d: got %d %q, want 200 %q", i, status, body, want)
		}
	}
	resp, err := c.Post("http://a.localhost/", "text/plain", strings.NewReader("body"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); resp.StatusCode != 200 || string(body) != "9 4" {
		t.Errorf("POST: got %d %q, want 200 and 9 4", resp.StatusCode, body)
	}
	long, err := c.Post("http://a.localhost/", "text/plain", strings.NewReader("a body"))
	if err != nil {
		t.Fatal(err)
	}
	defer long.Body.Close()
	if body, _ := io.ReadAll(long.Body); long.StatusCode != 503 || string(body) != "10 6" {
		t.Errorf("long POST: got %d %q, want 503 and 10 6", long.StatusCode, body)
	}
}

// A WebSocket through a router whose middleware asks again lives on.
func TestLabelsOfRetryWebSocket(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		if calls.Add(1) < 3 {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		c, b, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		line, _ := b.ReadString('\n')
		_, _ = io.WriteString(c, strings.ToUpper(line))
	})
	s := start(t, compose(passing(url, "retry", "attempts=9", "status=502")...))
	c, err := net.Dial("tcp", s.http)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(deadline())
	_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: a.localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
	r := bufio.NewReader(c)
	resp, err := http.ReadResponse(r, nil)
	if err != nil || resp.StatusCode != 101 {
		t.Fatalf("got %v, %v, want 101", resp, err)
	}
	_, _ = io.WriteString(c, "hello\n")
	if line, err := r.ReadString('\n'); line != "HELLO\n" {
		t.Errorf("got %q, %v", line, err)
	}
}

func TestLabelsOfSignin(t *testing.T) {
	t.Parallel()
	auth := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Cookie") == "" {
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
	s := start(t, compose(passing(upstream(t, "in"), "forwardauth", "address="+auth, "authsigninurl=https://login.localhost/?x=y")...))
	c := s.client()
	resp, err := c.Get("http://a.localhost/x?a=b")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	want(t, "status", resp.StatusCode, 302)
	want(t, "location", resp.Header.Get("Location"), "https://login.localhost/?x=y")
	r, _ := http.NewRequest("GET", "http://a.localhost/", nil)
	r.Header.Set("Cookie", "a=b")
	again, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Body.Close()
	want(t, "status, signed in", again.StatusCode, 200)
}

// A server for the pages of errors sees the whole URL that was asked for.
func TestLabelsOfErrors(t *testing.T) {
	t.Parallel()
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, r.RequestURI)
	})
	labels := passing(url, "errors", "status=404", "service=a", "query=/{status}.html?u={url}")
	labels = append(labels, "http.routers.b.rule=Host(`b.localhost`)", "http.routers.b.service=a", "http.routers.b.tls=true",
		"http.routers.b.middlewares=m")
	s := start(t, compose(labels...))
	_, body := get(t, s.client(), "http://a.localhost/x?a=b")
	want(t, "page of http", body, "/404.html?u=http%3A%2F%2Fa.localhost%2Fx%3Fa%3Db")
	_, body = get(t, s.client(), "https://b.localhost/x%20y?a=b")
	want(t, "page of https", body, "/404.html?u=https%3A%2F%2Fb.localhost%2Fx%2520y%3Fa%3Db")
}

// Settings that are empty, and mean it.
func TestLabelsWithoutValue(t *testing.T) {
	t.Parallel()
	url := telling(t)
	for name, tt := range map[string]struct {
		kind     string
		settings []string
		want     string   // the first line of what the server is asked
		without  []string // headers
	}{
		"OK/Replacement": {"replacepathregex", []string{"regex=^/rr", "replacement="}, "GET a.localhost /a?b", nil},
		"OK/Path":        {"replacepath", []string{"path="}, "GET a.localhost /?b", nil},
		"OK/Request": {"headers", []string{"customrequestheaders.X-Forwarded-For=", "customrequestheaders.User-Agent=",
			"customrequestheaders.Host="}, "GET a.localhost /rr/a?b", []string{"X-Forwarded-For", "User-Agent"}},
		"OK/InOtherCase": {"headers", []string{"customrequestheaders.x-forwarded-for=", "customrequestheaders.x-real-ip="},
			"GET a.localhost /rr/a?b", []string{"X-Forwarded-For", "X-Real-Ip"}},
		"OK/ForwardedHost": {"headers", []string{"customrequestheaders.X-Forwarded-Host=", "customrequestheaders.X-Forwarded-Proto=",
			"customrequestheaders.X-Forwarded-Port=", "customrequestheaders.X-Forwarded-Server="}, "GET a.localhost /rr/a?b",
			[]string{"X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port", "X-Forwarded-Server"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, compose(passing(url, tt.kind, tt.settings...)...))
			status, body := get(t, s.client(), "http://a.localhost/rr/a?b")
			lines := strings.Split(body, "\n")
			if status != 200 || lines[0] != tt.want {
				t.Errorf("got %d, the server saw %q, want %q", status, lines[0], tt.want)
			}
			for _, header := range tt.without {
				if slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, header+":") }) {
					t.Errorf("the server saw %q, with %s", body, header)
				}
			}
		})
	}
}

// What has no effect is reported, by its place, and the rest is served.
func TestSettingsWithoutEffect(t *testing.T) {
	t.Parallel()
	const balancer = "http.services.a.loadbalancer."
	labels := passing(upstream(t, "up"), "headers", "sslredirect=true", "ssltemporaryredirect=true", "sslhost=h", "sslforcehost=true",
		"featurepolicy=f", "publickey=p", "framedeny=true")
	labels = append(labels, balancer+"sticky.cookie.name=w ho", balancer+"sticky.cookie.samesite=strct", balancer+"healthcheck.path=/",
		balancer+"healthcheck.mode=htpp")
	text := compose(labels...)
	s := start(t, text)
	resp, err := s.client().Get("http://a.localhost/")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	want(t, "status", resp.StatusCode, 200)
	for _, name := range []string{"Public-Key-Pins", "Feature-Policy", "Strict-Transport-Security"} {
		want(t, name, resp.Header.Get(name), "")
	}
	want(t, "X-Frame-Options", resp.Header.Get("X-Frame-Options"), "DENY")
	cookie := resp.Header.Get("Set-Cookie")
	if !strings.HasPrefix(cookie, "w_ho=") || strings.Contains(cookie, "SameSite") {
		t.Errorf("cookie: got %q, want w_ho without SameSite", cookie)
	}

	file := filepath.Join(t.TempDir(), "compose.yaml")
	write(t, file, text)
	problems, err := command.Check(nil, []string{file})
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(text, "\n")
	for label, message := range map[string]string{
		"http.middlewares.m.headers.sslredirect": "no effect", "http.middlewares.m.headers.ssltemporaryredirect": "no effect",
		"http.middlewares.m.headers.sslhost": "no effect", "http.middlewares.m.headers.sslforcehost": "no effect",
		"http.middlewares.m.headers.featurepolicy": "no effect", "http.middlewares.m.headers.publickey": "no effect",
		balancer + "sticky.cookie.samesite": "without SameSite", balancer + "sticky.cookie.name": "w_ho",
		balancer + "healthcheck.mode": "http is used",
	} {
		i := slices.IndexFunc(problems, func(p config.Problem) bool { return strings.EqualFold(p.Label, "traefik."+label) })
		if i < 0 {
			t.Errorf("%s: not told in %v", label, problems)
			continue
		}
		p := problems[i]
		if p.Severity != config.Warning || p.File != file || p.Line < 1 || !strings.Contains(lines[p.Line-1], label) ||
			!strings.Contains(p.Message, message) {
			t.Errorf("%s: got %v: %s", label, p.Severity, p.Error())
		}
	}
	if i := slices.IndexFunc(problems, func(p config.Problem) bool { return p.Severity == config.Error }); i >= 0 {
		t.Errorf("got %s, want no error", problems[i].Error())
	}
}
