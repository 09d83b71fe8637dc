package gateway_test

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"axion/gateway/config"
)

// echoTarget answers with the request's target as it came.
func echoTarget(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.RequestURI) }

// wire is a client that sends bytes as they are, on one connection.
type wire struct {
	t *testing.T
	net.Conn
	in *bufio.Reader
}

func dialWire(t *testing.T, at string) *wire {
	t.Helper()
	c, err := net.Dial("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	_ = c.SetDeadline(deadline())
	t.Cleanup(func() { _ = c.Close() })
	return &wire{t, c, bufio.NewReader(c)}
}

// ask sends a GET, and gives the status and body of the answer; 0 where there is none.
func (w *wire) ask(target string, header ...string) (int, string, *http.Response) {
	w.t.Helper()
	_, _ = io.WriteString(w, "GET "+target+" HTTP/1.1\r\nHost: a.localhost\r\n"+strings.Join(append(header, ""), "\r\n")+"\r\n")
	res, err := http.ReadResponse(w.in, &http.Request{Method: "GET"})
	if err != nil {
		return 0, "", nil
	}
	body, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(body), res
}

// TestEntryPointPaths has one entrypoint change nothing of paths and queries that
// another cleans, for routing and for the server.
func TestEntryPointPaths(t *testing.T) {
	t.Parallel()
	url := serve(t, echoTarget)
	routes := append(both(url), route("semicolon", "Host(`a.localhost`) && Query(`q`, `2`)", serve(t, func(w http.ResponseWriter,
		r *http.Request) {
		_, _ = io.WriteString(w, "q "+r.RequestURI)
	}))...)
	routes = append(routes, route("raw", "Host(`a.localhost`) && PathPrefix(`//raw`)", serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "raw "+r.RequestURI)
	}))...)
	s := start(t, withEntries(routes,
		entry(t, "strict", ".http.encodedcharacters.allowencodedslash=false", ".http.sanitizepath=false", ".http.encodequerysemicolons=true"),
		entry(t, "usual")))
	for _, tt := range []struct {
		target        string
		strict, usual string // what the server got, or the status
	}{
		{"/a%2Fb", "400", "/a%2Fb"},
		{"/a%2fb", "400", "/a%2Fb"},
		{"/a%5Cb", "/a%5Cb", "/a%5Cb"},
		{"//a/../b", "//a/../b", "/b"},
		{"//raw/..", "raw //raw/..", "/"},
		{"/?a=1;b=2", "/?a=1%3Bb=2", "/?a=1&b=2"},
		{"/?a=1;q=2", "/?a=1%3Bq=2", "q /?a=1&q=2"},
		{"/?a=1&q=2", "q /?a=1&q=2", "q /?a=1&q=2"},
	} {
		for name, want := range map[string]string{"strict": tt.strict, "usual": tt.usual} {
			w := dialWire(t, s.entrypoint(name))
			for range 2 {
				status, body, _ := w.ask(tt.target)
				got := body
				if status != 200 {
					got = strconv.Itoa(status)
				}
				if got != want {
					t.Errorf("%s on %s: got %q, want %q", tt.target, name, got, want)
				}
			}
		}
	}
}

// TestKeepAliveMax ends connections that were used often, at one entrypoint of two.
func TestKeepAliveMax(t *testing.T) {
	t.Parallel()
	s := start(t, withEntries(both(serve(t, echoTarget)), entry(t, "ep", ".transport.keepalivemaxrequests=2"),
		entry(t, "short", ".transport.keepalivemaxtime=1ns"), entry(t, "usual")))
	for range 2 { // connections
		w := dialWire(t, s.entrypoint("ep"))
		for i, tt := range []struct {
			status int
			last   bool
		}{{200, false}, {200, true}, {0, false}} {
			status, _, res := w.ask("/")
			if status != tt.status || status != 0 && res.Close != tt.last {
				t.Errorf("request %d: got %d, the last %v, want %d, %v", i+1, status, res != nil && res.Close, tt.status, tt.last)
			}
		}
		w = dialWire(t, s.entrypoint("short"))
		if status, _, res := w.ask("/"); status != 200 || !res.Close {
			t.Errorf("after its time: got %d, which is not the last", status)
		}
		w = dialWire(t, s.entrypoint("usual"))
		for range 4 {
			if status, _, res := w.ask("/"); status != 200 || res.Close {
				t.Errorf("without a limit: got %d, the last", status)
			}
		}
	}
	t.Run("HTTP2", func(t *testing.T) {
		c, err := tls.Dial("tcp", s.entrypoint("ep"), &tls.Config{RootCAs: s.RootPool(), ServerName: "a.localhost", NextProtos: []string{"h2"}})
		if err != nil {
			t.Fatal(err)
		}
		f := speak(t, c)
		for range 2 {
			want(t, "status", f.status(f.open(true, pseudo("GET", "https", "a.localhost", "/")...)), "200")
		}
		want(t, "then", f.status(0), "closed")
		want(t, "told to go", f.away, true)
	})
}

// TestAliasHeaders drops or refuses names that servers may take for others.
func TestAliasHeaders(t *testing.T) {
	t.Parallel()
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		for _, name := range []string{"X_user", "X.user", "X_forwarded_proto", "X.real.ip"} {
			if v := r.Header.Get(name); v != "" {
				_, _ = io.WriteString(w, name+" ")
			}
		}
	})
	s := start(t, withEntries(both(url), entry(t, "keep"), entry(t, "under", ".http.underscoreheadersstrategy=delete"),
		entry(t, "alias", ".http.aliasheadersstrategy=delete"), entry(t, "reject", ".http.underscoreheadersstrategy=reject")))
	for name, got := range map[string]string{"keep": "X_user X.user ", "under": "X.user ", "alias": "", "reject": "400"} {
		w := dialWire(t, s.entrypoint(name))
		for range 2 {
			// What reports the client is never believed, however it is spelled.
			status, body, _ := w.ask("/", "X_User: a", "X.User: b", "X_Forwarded_Proto: https", "X.Real.Ip: 9.9.9.9")
			if status != 200 {
				body = strconv.Itoa(status)
			}
			want(t, name, body, got)
		}
	}
}

// TestEntryPointObservability leaves out of the metrics what an entrypoint does not say.
func TestEntryPointObservability(t *testing.T) {
	t.Parallel()
	routes := append(both(serve(t, echoTarget)), "http.routers.loud.rule=Host(`a.localhost`) && Path(`/loud`)",
		"http.routers.loud.service=a", "http.routers.loud.observability.metrics=true")
	s := start(t, withEntries(routes, entry(t, "quiet", ".observability.metrics=false"), entry(t, "loud")))
	for _, name := range []string{"quiet", "loud"} {
		w := dialWire(t, s.entrypoint(name))
		for _, target := range []string{"/", "/loud", "/"} {
			if status, _, _ := w.ask(target); status != 200 {
				t.Fatalf("%s: got %d", name, status)
			}
		}
	}
	count := func(entrypoint, n string) bool {
		return strings.Contains(s.ask("/metrics"),
			`traefik_entrypoint_requests_total{code="200",entrypoint="`+entrypoint+`",method="GET",protocol="http"} `+n)
	}
	eventually(t, "the loud one is counted", func() bool { return count("loud", "3") })
	eventually(t, "of the quiet one only the router that wants it", func() bool { return count("quiet", "1") })
}

// TestEntryPointProblems reports settings that no entrypoint can follow.
func TestEntryPointProblems(t *testing.T) {
	t.Parallel()
	for setting, part := range map[string]string{
		".http.underscoreheadersstrategy=drop":              "underscoreHeadersStrategy",
		".forwardedheaders.trustedips=balancer":             `"balancer"`,
		".proxyprotocol.trustedips=balancer":                `balancer`,
		".http2.maxconcurrentstreams=-1":                    "http2",
		".reuseport=true":                                   "reuseport",
		".observability.traceverbosity=detailed":            "traceverbosity",
		".transport.lifecycle.requestacceptgracetimeout=1s": "requestacceptgracetimeout",
		".forwardedheaders.notappendxforwardedfor=true":     "notappendxforwardedfor",
		".http.redirections.entrypoint.to=nowhere":          "nowhere",
		".http.redirections.entrypoint.to=:99999":           "99999",
		".http.redirections.entrypoint.to=8443":             "8443",
		".http.redirections.entrypoint.permanent=true":      "redirections",
		".http.encodedcharacters.allowencodedslash=maybe":   "allowencodedslash",
		".transport.respondingtimeouts.readtimeout=soon":    "readtimeout",
		".http.middlewares=missing@docker":                  "missing",
	} {
		t.Run(setting, func(t *testing.T) {
			t.Parallel()
			s := start(t, withEntries(both(upstream(t, "a")), entry(t, "ep", setting)))
			for _, p := range s.Problems() {
				if p.Severity != config.Notice && strings.Contains(p.Message, part) {
					// Nothing is served there without the middlewares that were to guard it.
					if status, _, _ := dialWire(t, s.entrypoint("ep")).ask("/"); (status == 200) == (part == "missing") {
						t.Errorf("the entrypoint answers %d", status)
					}
					return
				}
			}
			t.Errorf("problems: got %v, want one of %s", s.Problems(), part)
		})
	}
}
