package inbound_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"axion/gateway/config"
	"axion/gateway/inbound"
)

func policy(t *testing.T, c *config.EntryPoint) *inbound.Policy {
	t.Helper()
	p, errs := inbound.New(c)
	if len(errs) > 0 {
		t.Fatalf("New: %v", errs)
	}
	return p
}

func TestRequest(t *testing.T) {
	t.Parallel()
	no, yes := false, true
	refusing := func(c config.EntryPointEncodedCharacters) config.EntryPointHTTP {
		return config.EntryPointHTTP{EncodedCharacters: &c}
	}
	for _, tt := range []struct {
		name, target string
		http         config.EntryPointHTTP
		want         string // of the request's target that goes on; empty where it is refused
	}{
		{"OK/slash", "/a%2fb", config.EntryPointHTTP{}, "/a%2Fb"},
		{"OK/slash allowed", "/a%2Fb", refusing(config.EntryPointEncodedCharacters{AllowEncodedSlash: &yes}), "/a%2Fb"},
		{"OK/others stay", "/a%5C%3B%25%3F%23", refusing(config.EntryPointEncodedCharacters{AllowEncodedSlash: &no}), "/a%5C%3B%25%3F%23"},
		{"OK/query", "/a?b=%2F", refusing(config.EntryPointEncodedCharacters{AllowEncodedSlash: &no}), "/a?b=%2F"},
		{"ErrSlash", "/a%2Fb", refusing(config.EntryPointEncodedCharacters{AllowEncodedSlash: &no}), ""},
		{"ErrSlashInLowerCase", "/a%2fb", refusing(config.EntryPointEncodedCharacters{AllowEncodedSlash: &no}), ""},
		{"ErrBackSlash", "/a%5Cb", refusing(config.EntryPointEncodedCharacters{AllowEncodedBackSlash: &no}), ""},
		{"ErrNull", "/a%00b", refusing(config.EntryPointEncodedCharacters{AllowEncodedNullCharacter: &no}), ""},
		{"ErrSemicolon", "/a%3Bb", refusing(config.EntryPointEncodedCharacters{AllowEncodedSemicolon: &no}), ""},
		{"ErrPercent", "/a%252Fb", refusing(config.EntryPointEncodedCharacters{AllowEncodedPercent: &no}), ""},
		{"ErrQuestionMark", "/a%3Fb", refusing(config.EntryPointEncodedCharacters{AllowEncodedQuestionMark: &no}), ""},
		{"ErrHash", "/a%23b", refusing(config.EntryPointEncodedCharacters{AllowEncodedHash: &no}), ""},
		{"OK/clean", "//a/./c/../b//", config.EntryPointHTTP{}, "/a/b/"},
		{"OK/clean by word", "//a/../b", config.EntryPointHTTP{SanitizePath: &yes}, "/b"},
		{"OK/as it is", "//a/./c/../b//", config.EntryPointHTTP{SanitizePath: &no}, "//a/./c/../b//"},
		{"OK/as it is, but unreserved", "/a/%2e%2E/%62", config.EntryPointHTTP{SanitizePath: &no}, "/a/../b"},
		{"OK/semicolons", "/a?b=1;c=2;&d", config.EntryPointHTTP{}, "/a?b=1&c=2&&d"},
		{"OK/semicolons escaped", "/a?b=1;c=2", config.EntryPointHTTP{EncodeQuerySemicolons: true}, "/a?b=1%3Bc=2"},
		{"OK/space in the path", "/a%20b", config.EntryPointHTTP{}, "/a%20b"},
		{"OK/bytes in the query", "/a?\xff", config.EntryPointHTTP{}, "/a?\xff"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := policy(t, &config.EntryPoint{HTTP: tt.http})
			for range 2 {
				r, err := http.NewRequest("GET", "http://a"+tt.target, nil)
				if err != nil {
					t.Fatal(err)
				}
				r.RequestURI = tt.target
				req, err := p.Request(r)
				got := ""
				if err == nil {
					got = req.HTTP.URL.RequestURI()
				}
				if got != tt.want {
					t.Errorf("got %q (%v), want %q", got, err, tt.want)
				}
			}
		})
	}
}

// TestRequestMalformed refuses what would be more than one line of HTTP/1.1, or another.
func TestRequestMalformed(t *testing.T) {
	t.Parallel()
	p := policy(t, &config.EntryPoint{})
	for name, change := range map[string]func(*http.Request){
		"method with a line":    func(r *http.Request) { r.Method = "GET / HTTP/1.1\r\nX: y" },
		"method with a target":  func(r *http.Request) { r.Method = "GET /evil HTTP/1.1" },
		"empty method":          func(r *http.Request) { r.Method = "" },
		"method with a comma":   func(r *http.Request) { r.Method = "GET," },
		"host with a space":     func(r *http.Request) { r.Host = "a b" },
		"host with a line":      func(r *http.Request) { r.Host = "a\r\nX: y" },
		"host with a path":      func(r *http.Request) { r.Host = "a/b" },
		"host with a user":      func(r *http.Request) { r.Host = "u@a" },
		"host with a quote":     func(r *http.Request) { r.Host = `a"b` },
		"host with a tab":       func(r *http.Request) { r.Host = "a\tb" },
		"zone with a space":     func(r *http.Request) { r.Host = "[::1%a b]" },
		"query with a space":    func(r *http.Request) { r.URL.RawQuery = "a HTTP/1.1" },
		"query with a line":     func(r *http.Request) { r.URL.RawQuery = "a\r\nX: y" },
		"query with NUL":        func(r *http.Request) { r.URL.RawQuery = "a\x00" },
		"query with DEL":        func(r *http.Request) { r.URL.RawQuery = "a\x7f" },
		"target without a root": func(r *http.Request) { r.URL.Opaque, r.URL.Path = "evil", "" },
		"asterisk":              func(r *http.Request) { r.URL.Path = "*" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest("GET", "/a?b", nil)
			change(r)
			if _, err := p.Request(r); err == nil {
				t.Error("got no error")
			}
		})
	}
	r := httptest.NewRequest("OPTIONS", "/", nil)
	r.URL.Path = "*"
	if _, err := p.Request(r); err != nil {
		t.Errorf("OPTIONS *: got %v, want no error", err)
	}
}

func TestAliases(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		http    config.EntryPointHTTP
		left    string // of the names, in order; empty where the request is refused
		refused bool
	}{
		{"OK/keep", config.EntryPointHTTP{}, "X-A X.B X_C", false},
		{"OK/keep by word", config.EntryPointHTTP{UnderscoreHeadersStrategy: "keep"}, "X-A X.B X_C", false},
		{"OK/underscores deleted", config.EntryPointHTTP{UnderscoreHeadersStrategy: "delete"}, "X-A X.B", false},
		{"OK/aliases deleted", config.EntryPointHTTP{AliasHeadersStrategy: "delete"}, "X-A", false},
		{"OK/aliases count before underscores", config.EntryPointHTTP{AliasHeadersStrategy: "keep", UnderscoreHeadersStrategy: "reject"},
			"X-A X.B X_C", false},
		{"ErrUnderscore", config.EntryPointHTTP{UnderscoreHeadersStrategy: "reject"}, "", true},
		{"ErrAlias", config.EntryPointHTTP{AliasHeadersStrategy: "reject"}, "", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest("GET", "/", nil)
			r.Header = http.Header{"X-A": {"a"}, "X.B": {"b"}, "X_C": {"c"}}
			_, err := policy(t, &config.EntryPoint{HTTP: tt.http}).Request(r)
			if refused := err != nil; refused != tt.refused {
				t.Fatalf("refused: got %v, want %v", err, tt.refused)
			}
			var left []string
			for _, name := range []string{"X-A", "X.B", "X_C"} {
				if r.Header[name] != nil {
					left = append(left, name)
				}
			}
			if got := strings.Join(left, " "); !tt.refused && got != tt.left {
				t.Errorf("left: got %q, want %q", got, tt.left)
			}
		})
	}
}

// TestErrors reports settings that cannot be followed.
func TestErrors(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		c    config.EntryPoint
		want string
	}{
		{"ErrUnderscores", config.EntryPoint{HTTP: config.EntryPointHTTP{UnderscoreHeadersStrategy: "drop"}}, "underscoreHeadersStrategy"},
		{"ErrAliases", config.EntryPoint{HTTP: config.EntryPointHTTP{AliasHeadersStrategy: "drop"}}, "aliasHeadersStrategy"},
		{"ErrTrusted", config.EntryPoint{ForwardedHeaders: &config.ForwardedHeaders{TrustedIPs: []string{"10.0.0.0/8", "balancer"}}},
			`"balancer"`},
		{"ErrStreams", config.EntryPoint{HTTP2: &config.HTTP2{MaxConcurrentStreams: -1}}, "http2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p, errs := inbound.New(&tt.c)
			if len(errs) != 1 || !strings.Contains(errs[0].Error(), tt.want) {
				t.Errorf("errors: got %v, want one of %s", errs, tt.want)
			}
			if _, err := p.Request(httptest.NewRequest("GET", "/", nil)); err != nil {
				t.Errorf("a request: %v", err)
			}
		})
	}
}

func seconds(n int) *config.Duration {
	d := config.Duration(time.Duration(n) * time.Second)
	return &d
}

// TestTimeouts are Traefik's, but for a head whose time is not set.
func TestTimeouts(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name       string
		set        config.RespondingTimeouts
		head, idle time.Duration
	}{
		{"OK/none", config.RespondingTimeouts{}, 10 * time.Second, 180 * time.Second},
		{"OK/read", config.RespondingTimeouts{ReadTimeout: seconds(1)}, time.Second, 180 * time.Second},
		{"OK/long read", config.RespondingTimeouts{ReadTimeout: seconds(90)}, 90 * time.Second, 180 * time.Second},
		{"OK/no read", config.RespondingTimeouts{ReadTimeout: seconds(0)}, 10 * time.Second, 180 * time.Second},
		{"OK/idle", config.RespondingTimeouts{IdleTimeout: seconds(5)}, 10 * time.Second, 5 * time.Second},
		{"OK/idle of 0 is read", config.RespondingTimeouts{IdleTimeout: seconds(0), ReadTimeout: seconds(7)}, 7 * time.Second, 7 * time.Second},
		{"OK/idle of 0", config.RespondingTimeouts{IdleTimeout: seconds(0)}, 10 * time.Second, 60 * time.Second},
		{"OK/no limit at all", config.RespondingTimeouts{IdleTimeout: seconds(0), ReadTimeout: seconds(0)}, 10 * time.Second, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := &config.EntryPoint{Transport: &config.Transport{RespondingTimeouts: &tt.set}}
			if head, idle := inbound.HeadTimeout(c), inbound.IdleTimeout(c); head != tt.head || idle != tt.idle {
				t.Errorf("got %s and %s, want %s and %s", head, idle, tt.head, tt.idle)
			}
		})
	}
}

func TestReuse(t *testing.T) {
	t.Parallel()
	last := func(p *inbound.Policy, ctx context.Context, header http.Header) bool {
		w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil).WithContext(ctx)
		r.Header = header
		p.Reuse(w, r)
		return w.Header().Get("Connection") == "close"
	}
	t.Run("OKRequests", func(t *testing.T) {
		t.Parallel()
		p := policy(t, &config.EntryPoint{Transport: &config.Transport{KeepAliveMaxRequests: 2}})
		for range 2 { // connections
			ctx := inbound.WithConnection(t.Context(), nil)
			for i, want := range []bool{false, true, true} {
				if got := last(p, ctx, nil); got != want {
					t.Errorf("request %d is the last: got %v, want %v", i+1, got, want)
				}
			}
		}
	})
	t.Run("OKTime", func(t *testing.T) {
		t.Parallel()
		ctx := inbound.WithConnection(t.Context(), nil)
		long := policy(t, &config.EntryPoint{Transport: &config.Transport{KeepAliveMaxTime: config.Duration(time.Hour)}})
		short := policy(t, &config.EntryPoint{Transport: &config.Transport{KeepAliveMaxTime: 1}})
		if last(long, ctx, nil) || !last(short, ctx, nil) {
			t.Error("an hour has passed, or a nanosecond has not")
		}
	})
	t.Run("OKUpgrade", func(t *testing.T) {
		t.Parallel()
		p := policy(t, &config.EntryPoint{Transport: &config.Transport{KeepAliveMaxRequests: 1}})
		if last(p, inbound.WithConnection(t.Context(), nil), http.Header{"Upgrade": {"websocket"}}) {
			t.Error("a connection that is to be a WebSocket's is closed")
		}
	})
}

// FuzzRequest lets nothing pass that would be more than one line of HTTP/1.1.
func FuzzRequest(f *testing.F) {
	f.Add("GET", "a.localhost:80", "/a?b=c")
	f.Add("GET /evil HTTP/1.1\r\nX:", "a", "/")
	f.Add("GET", "[::1%25a b]", "/?a b")
	f.Add("OPTIONS", "a", "*")
	p, _ := inbound.New(&config.EntryPoint{})
	f.Fuzz(func(t *testing.T, method, host, target string) {
		r, err := http.NewRequest("GET", "http://a", nil)
		if err != nil {
			t.Fatal(err)
		}
		u, err := r.URL.Parse(target)
		if err != nil {
			return
		}
		r.Method, r.Host, r.URL = method, host, u
		req, err := p.Request(r)
		if err != nil {
			return
		}
		line := req.HTTP.Method + " " + req.HTTP.URL.RequestURI() + " " + req.HTTP.Host
		if strings.Count(line, " ") != 2 || strings.ContainsAny(line, "\r\n\x00\t") {
			t.Errorf("%q passed", line)
		}
	})
}
