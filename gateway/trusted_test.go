package gateway_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// told answers with what the server is sent of the client.
func told(w http.ResponseWriter, r *http.Request) {
	for _, name := range []string{"X-Forwarded-Proto", "X-Forwarded-Port", "X-Forwarded-Host", "Forwarded", "X-Forwarded-Scheme", "X-Scheme",
		"X-Kept"} {
		_, _ = io.WriteString(w, name+"="+strings.Join(r.Header[name], "|")+";")
	}
}

// TestTrusted hands on what a trusted balancer says, and nothing of what others do, by
// both ways to servers.
func TestTrusted(t *testing.T) {
	t.Parallel()
	secure := httptest.NewTLSServer(http.HandlerFunc(told))
	t.Cleanup(secure.Close)
	for name, url := range map[string]string{"http": serve(t, told), "https": secure.URL} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			routes := append(route("a", "Host(`a.localhost`)", url), "http.services.a.loadbalancer.serverstransport=t@file")
			if name == "http" {
				routes = routes[:len(routes)-1]
			}
			s := start(t, withEntries(routes, entry(t, "insecure", ".forwardedheaders.insecure=true"),
				entry(t, "trusting", ".forwardedheaders.trustedips=127.0.0.0/8"), entry(t, "other", ".forwardedheaders.trustedips=192.0.2.1"),
				entry(t, "scheme", ".forwardedheaders.addxforwardedschemeheaders=true"))+insecureTransport(t, name))
			const believed = "X-Forwarded-Proto=https;X-Forwarded-Port=443;X-Forwarded-Host=a.localhost;Forwarded=for=192.0.2.9;proto=https;" +
				"X-Forwarded-Scheme=;X-Scheme=;X-Kept=;"
			const own = "X-Forwarded-Proto=http;X-Forwarded-Port=80;X-Forwarded-Host=a.localhost;Forwarded=;X-Forwarded-Scheme=;X-Scheme=;X-Kept=;"
			for entry, want := range map[string]string{
				"insecure": believed, "trusting": believed, "other": own,
				"scheme": strings.Replace(own, "X-Forwarded-Scheme=;X-Scheme=;", "X-Forwarded-Scheme=http;X-Scheme=http;", 1),
			} {
				w := dialWire(t, s.entrypoint(entry))
				for range 2 {
					_, got, _ := w.ask("/", "X-Forwarded-Proto: https", "Forwarded: for=192.0.2.9;proto=https", "X-Kept: a",
						"Connection: X-Kept, Forwarded")
					if got != want {
						t.Errorf("%s: got %s, want %s", entry, got, want)
					}
				}
				// What is empty says nothing.
				if _, got, _ := w.ask("/", "X-Forwarded-Proto: ", "X-Forwarded-Port: "); !strings.HasPrefix(got,
					"X-Forwarded-Proto=http;X-Forwarded-Port=80;") {
					t.Errorf("%s: of empty headers: got %s", entry, got)
				}
				_, got, _ := w.ask("/", "X-Forwarded-Proto: https", "X-Forwarded-Port: 8443")
				if trusts := want == believed; strings.Contains(got, "Port=8443") != trusts {
					t.Errorf("%s: the balancer's port: got %s", entry, got)
				}
			}
		})
	}
}

// insecureTransport is the end of a compose file for servers with TLS.
func insecureTransport(t *testing.T, scheme string) string {
	t.Helper()
	if scheme == "http" {
		return ""
	}
	file := t.TempDir() + "/dynamic.yaml"
	write(t, file, "http:\n  serversTransports:\n    t:\n      insecureSkipVerify: true\n")
	return strings.TrimPrefix(traefik("--providers.file.filename=/dynamic.yaml"),
		traefik()) + "    volumes:\n      - " + file + ":/dynamic.yaml\n"
}

// TestForwardedConnection leaves a header that the Connection header names to rules and
// middlewares, where the entrypoint has it so, but never to servers.
func TestForwardedConnection(t *testing.T) {
	t.Parallel()
	labels := append(route("a", "Host(`a.localhost`)", serve(t, told)), route("kept", "Host(`a.localhost`) && Header(`X-Kept`, `a`)",
		serve(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "kept"+r.Header.Get("X-Kept")) }))...)
	s := start(t, withEntries(labels, entry(t, "leaving", ".forwardedheaders.connection=x-kept"), entry(t, "usual")))
	for name, kept := range map[string]bool{"leaving": true, "usual": false} {
		w := dialWire(t, s.entrypoint(name))
		for range 2 {
			_, got, _ := w.ask("/", "X-Kept: a", "Connection: X-Kept")
			if (got == "kept") != kept || strings.Contains(got, "X-Kept=a") {
				t.Errorf("%s: got %s", name, got)
			}
		}
	}
}

// TestRedirectBehindBalancer does not send on what came by the scheme to a balancer
// that is trusted, and sends on what came from a stranger.
func TestRedirectBehindBalancer(t *testing.T) {
	t.Parallel()
	labels := append(route("a", "Host(`a.localhost`)", serve(t, told), "middlewares=s"), "http.middlewares.s.redirectscheme.scheme=https")
	labels = append(labels, append(route("b", "Host(`a.localhost`) && Path(`/port`)", serve(t, told), "middlewares=p"),
		"http.middlewares.p.redirectscheme.scheme=https", "http.middlewares.p.redirectscheme.port=443")...)
	s := start(t, withEntries(labels, entry(t, "trusting", ".forwardedheaders.insecure=true"), entry(t, "usual")))
	_, secure, _ := net.SplitHostPort(s.secure)
	for _, tt := range []struct {
		entry, target, proto string
		status               int
		location             string
	}{
		{"trusting", "/", "https", 200, ""},
		{"trusting", "/", "HTTPS", 200, ""},
		{"trusting", "/", "wss", 200, ""},
		{"trusting", "/port", "https", 200, ""},
		{"trusting", "/", "http", 302, "https://a.localhost:" + secure + "/"},
		{"trusting", "/", "gopher", 302, "https://a.localhost:" + secure + "/"},
		{"trusting", "/port", "http", 302, "https://a.localhost/port"},
		{"usual", "/", "https", 302, "https://a.localhost:" + secure + "/"},
		{"usual", "/port", "https", 302, "https://a.localhost/port"},
	} {
		w := dialWire(t, s.entrypoint(tt.entry))
		for range 2 {
			status, _, res := w.ask(tt.target, "X-Forwarded-Proto: "+tt.proto)
			if status != tt.status || res.Header.Get("Location") != tt.location {
				t.Errorf("%s, %s, %s: got %d %q, want %d %q", tt.entry, tt.target, tt.proto, status, res.Header.Get("Location"), tt.status, tt.location)
			}
		}
	}
}

// TestRedirectPorts sends from one port to another by the same scheme.
func TestRedirectPorts(t *testing.T) {
	t.Parallel()
	const redirect = ".http.redirections.entrypoint."
	x, y, z, f := bothFree(t), bothFree(t), bothFree(t), bothFree(t)
	labels := append(route("a", "Host(`a.localhost`)", serve(t, told), "entrypoints=new"),
		route("s", "Host(`a.localhost`) && Path(`/s`)", serve(t, told), "entrypoints=new", "middlewares=s")...)
	labels = append(labels, "http.middlewares.s.redirectscheme.scheme=http", "http.middlewares.s.redirectscheme.port="+x)
	labels = append(labels, route("first", "Host(`a.localhost`) && Path(`/first`)", serve(t, told), "entrypoints=other", "priority=100")...)
	s := start(t, withEntries(labels, at("new", ":"+y), at("old", ":"+x, redirect+"to=new", redirect+"scheme=http"),
		at("other", ":"+z, redirect+"to=:"+y, redirect+"scheme=http", redirect+"permanent=false", redirect+"priority=10"),
		at("foreign", ":"+f, redirect+"to=:9", redirect+"scheme=http")))
	for _, tt := range []struct {
		port, host, target string
		status             int
		location           string
	}{
		{x, "a.localhost:" + x, "/x?y=z", 301, "http://a.localhost:" + y + "/x?y=z"},
		{x, "a.localhost", "/x", 301, "http://a.localhost:" + y + "/x"},
		{x, "[::1]:" + x, "/", 301, "http://[::1]:" + y + "/"},
		{x, "a.localhost:" + y, "/", 418, ""}, // as in Traefik: it came where it was to go
		{y, "a.localhost:" + y, "/", 200, ""},
		{y, "a.localhost:" + y, "/s", 302, "http://a.localhost:" + x + "/s"},
		{y, "a.localhost:" + x, "/s", 200, ""},
		{z, "a.localhost:" + z, "/x", 302, "http://a.localhost:" + y + "/x"},
		{z, "a.localhost:" + z, "/first", 200, ""},
		{f, "a.localhost:" + f, "/x", 301, "http://a.localhost:9/x"},
	} {
		w := dialWire(t, "127.0.0.1:"+tt.port)
		for range 2 {
			_, _ = io.WriteString(w, "GET "+tt.target+" HTTP/1.1\r\nHost: "+tt.host+"\r\n\r\n")
			res, err := http.ReadResponse(w.in, nil)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, res.Body)
			if res.StatusCode != tt.status || res.Header.Get("Location") != tt.location {
				t.Errorf("%s at %s: got %d %q, want %d %q", tt.host, tt.port, res.StatusCode, res.Header.Get("Location"), tt.status, tt.location)
			}
		}
	}
	// The target moves, and the redirection with it.
	moved := bothFree(t)
	s.save(withEntries(labels, at("new", ":"+moved), at("old", ":"+x, redirect+"to=new", redirect+"scheme=http"), at("other", ":"+z)))
	eventually(t, "it leads to the new port", func() bool {
		_, _, res := dialWire(t, "127.0.0.1:"+x).ask("/")
		return res != nil && res.Header.Get("Location") == "http://a.localhost:"+moved+"/"
	})
}
