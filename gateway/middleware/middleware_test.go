package middleware_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"axion/gateway/config"
	"axion/gateway/middleware"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var env = middleware.Env{Port: func(scheme string) int { return map[string]int{"http": 8080, "https": 8443}[scheme] }}

func build(t *testing.T, m config.Middleware, next http.HandlerFunc) http.Handler {
	t.Helper()
	wrap, err := middleware.Build(&m, env)
	if err != nil {
		t.Fatal(err)
	}
	return wrap(next)
}

// echo answers with what a service would see.
func echo(w http.ResponseWriter, r *http.Request) {
	fmt.Fprint(w, r.Host, " ", r.URL.EscapedPath(), " ", r.RequestURI, " ", r.Header.Get("X-Forwarded-Prefix"))
}

func send(h http.Handler, method, url string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, url, nil)
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestPrefix(t *testing.T) {
	t.Parallel()
	strip := func(p ...string) config.Middleware {
		return config.Middleware{StripPrefix: &config.StripPrefix{Prefixes: p}}
	}
	add := func(p string) config.Middleware { return config.Middleware{AddPrefix: &config.AddPrefix{Prefix: p}} }
	for _, tt := range []struct {
		name       string
		middleware config.Middleware
		path, want string // escaped path, request target, X-Forwarded-Prefix
	}{
		{"OK/strip", strip("/api"), "/api/users?q=1", "/users /users?q=1 /api"},
		{"OK/strip all", strip("/api"), "/api", "/ / /api"},
		{"OK/strip without segment", strip("/api"), "/apis", "/s /s /api"},
		{"OK/strip with slash", strip("/api/"), "/api/users", "/users /users /api/"},
		{"OK/strip first that fits", strip("/b", "/a", "/a/b"), "/a/b", "/b /b /a"},
		{"OK/strip nothing", strip("/api"), "/users", "/users /users "},
		{"OK/strip no prefix", strip(" "), "/users", "/users /users "},
		{"OK/strip keeps escapes", strip("/api"), "/api/a%2Fb", "/a%2Fb /a%2Fb /api"},
		{"OK/strip escaped prefix", strip("/a/b"), "/a%2Fb/c%2Fd", "/c%2Fd /c%2Fd /a/b"},
		{"OK/add", add("/v1"), "/users?q=1", "/v1/users /v1/users?q=1 "},
		{"OK/add without slash", add("v1"), "/users", "/v1/users /v1/users "},
		{"OK/add keeps escapes", add("/v 1"), "/a%2Fb", "/v%201/a%2Fb /v%201/a%2Fb "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := send(build(t, tt.middleware, echo), "GET", tt.path).Body.String()
			if want := "example.com " + tt.want; got != want {
				t.Errorf("service sees: got %q, want %q", got, want)
			}
		})
	}
}

var headerOrigins = []string{"https://a.localhost"}

var headerCases = []struct {
	name   string
	config config.Headers
	method string
	header []string
	status int
	want   map[string]string
	body   string
}{
	{
		"OK/custom",
		config.Headers{
			CustomRequestHeaders:  map[string]string{"host": "h", "x-in": "1", "X-Gone": ""},
			CustomResponseHeaders: map[string]string{"X-Out": "2", "Server": ""},
		},
		"GET", []string{"X-Gone: y"}, 200, map[string]string{"X-Out": "2", "Server": ""}, "h 1 ",
	},
	{
		"OK/security",
		config.Headers{
			FrameDeny: true, ContentTypeNosniff: true, BrowserXSSFilter: true, ContentSecurityPolicy: "c", ReferrerPolicy: "r",
			PermissionsPolicy: "p", STSSeconds: 9, STSIncludeSubdomains: true, STSPreload: true, ForceSTSHeader: true,
		},
		"GET", nil, 200, map[string]string{
			"X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff", "X-XSS-Protection": "1; mode=block",
			"Content-Security-Policy": "c", "Referrer-Policy": "r", "Permissions-Policy": "p",
			"Strict-Transport-Security": "max-age=9; includeSubDomains; preload",
		}, "example.com  ",
	},
	{
		"OK/security custom", config.Headers{FrameDeny: true, CustomFrameOptionsValue: "SAMEORIGIN", CustomBrowserXSSValue: "0", STSSeconds: 9},
		"GET", nil, 200, map[string]string{"X-Frame-Options": "SAMEORIGIN", "X-XSS-Protection": "0", "Strict-Transport-Security": ""},
		"example.com  ",
	},
	{
		"OK/preflight",
		config.Headers{
			AccessControlAllowOriginList: headerOrigins, AccessControlAllowMethods: []string{"GET", "PUT"},
			AccessControlAllowHeaders: []string{"X-A", "X-B"}, AccessControlMaxAge: 60,
		},
		"OPTIONS", []string{"Origin: https://a.localhost", "Access-Control-Request-Method: PUT"}, 200,
		map[string]string{
			"Access-Control-Allow-Origin": "https://a.localhost", "Access-Control-Allow-Methods": "GET,PUT",
			"Access-Control-Allow-Headers": "X-A,X-B", "Access-Control-Max-Age": "60",
		}, "",
	},
	{
		"OK/preflight of a stranger", config.Headers{AccessControlAllowOriginList: headerOrigins},
		"OPTIONS", []string{"Origin: https://b.localhost", "Access-Control-Request-Method: PUT"}, 200,
		map[string]string{"Access-Control-Allow-Origin": "", "Access-Control-Max-Age": ""}, "",
	},
	{
		"OK/preflight before hosts are looked at", config.Headers{AccessControlAllowOriginList: headerOrigins, AllowedHosts: []string{"other"}},
		"OPTIONS", []string{"Origin: https://a.localhost", "Access-Control-Request-Method: PUT"}, 200,
		map[string]string{"Access-Control-Allow-Origin": "https://a.localhost"}, "",
	},
	{
		"OK/no longer in Traefik", config.Headers{PublicKey: "p", FeaturePolicy: "f", SSLRedirect: true, SSLHost: "s", SSLForceHost: true,
			SSLTemporaryRedirect: true},
		"GET", nil, 200, map[string]string{"Public-Key-Pins": "", "Feature-Policy": "", "Location": ""}, "example.com  ",
	},
	{
		"OK/host set before it is looked at", config.Headers{CustomRequestHeaders: map[string]string{"Host": "h"}, AllowedHosts: []string{"h"}},
		"GET", nil, 200, nil, "h  ",
	},
	{
		"OK/removed, and not added by the server",
		config.Headers{CustomResponseHeaders: map[string]string{"content-type": "", "Date": "", "X-Out": ""}},
		"GET", nil, 200, map[string]string{"Content-Type": "", "Date": "", "X-Out": ""}, "example.com  ",
	},
	{
		"OK/empty host", config.Headers{CustomRequestHeaders: map[string]string{"Host": ""}},
		"GET", nil, 200, nil, "example.com  ",
	},
	{
		"Err/host, with custom headers", config.Headers{AllowedHosts: []string{"h"}, CustomResponseHeaders: map[string]string{"X-Out": "1"}},
		"GET", nil, 500, map[string]string{"X-Out": "1"}, "Bad Host\n",
	},
	{
		"OK/OPTIONS without preflight", config.Headers{AccessControlAllowOriginList: headerOrigins},
		"OPTIONS", []string{"Origin: https://a.localhost"}, 200,
		map[string]string{"Access-Control-Allow-Origin": "https://a.localhost"}, "example.com  ",
	},
	{
		"OK/preflight without CORS settings", config.Headers{FrameDeny: true},
		"OPTIONS", []string{"Origin: https://a.localhost", "Access-Control-Request-Method: PUT"}, 200,
		map[string]string{"Access-Control-Max-Age": ""}, "example.com  ",
	},
	{
		"OK/answer", config.Headers{AccessControlAllowOriginList: []string{"*"}, AccessControlExposeHeaders: []string{"X-A"},
			AddVaryHeader: true},
		"GET", []string{"Origin: https://a.localhost"}, 200,
		map[string]string{"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "X-A", "Vary": "Accept,Origin"}, "example.com  ",
	},
	{
		"OK/star with credentials", config.Headers{AccessControlAllowOriginList: []string{"*"}, AccessControlAllowCredentials: true},
		"GET", []string{"Origin: https://a.localhost"}, 200,
		map[string]string{"Access-Control-Allow-Origin": "https://a.localhost", "Access-Control-Allow-Credentials": "true"}, "example.com  ",
	},
	{
		"OK/pattern", config.Headers{AccessControlAllowOriginListRegex: []string{`^https://\w+\.localhost$`}},
		"GET", []string{"Origin: https://zz.localhost"}, 200,
		map[string]string{"Access-Control-Allow-Origin": "https://zz.localhost"}, "example.com  ",
	},
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	service := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Server", "x")
		w.Header().Set("Vary", "Accept")
		w.WriteHeader(http.StatusEarlyHints)
		fmt.Fprint(w, r.Host, " ", r.Header.Get("X-In"), " ", r.Header.Get("X-Gone"))
	}
	for _, tt := range headerCases {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := httptest.NewServer(build(t, config.Middleware{Headers: &tt.config}, service))
			defer s.Close()
			r, _ := http.NewRequest(tt.method, s.URL, nil)
			r.Host = "example.com"
			for _, line := range tt.header {
				name, value, _ := strings.Cut(line, ": ")
				r.Header.Set(name, value)
			}
			resp, err := s.Client().Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body, _ := io.ReadAll(resp.Body)
			if resp.StatusCode != tt.status || string(body) != tt.body {
				t.Errorf("answer: got %d %q, want %d %q", resp.StatusCode, body, tt.status, tt.body)
			}
			for name, want := range tt.want {
				if got := strings.Join(resp.Header.Values(name), ","); got != want {
					t.Errorf("%s: got %q, want %q", name, got, want)
				}
			}
		})
	}
}

func TestHeadersSent(t *testing.T) {
	t.Parallel()
	t.Run("OK/handler that flushes, or says nothing", func(t *testing.T) {
		t.Parallel()
		for _, h := range []http.HandlerFunc{
			func(w http.ResponseWriter, _ *http.Request) { _ = http.NewResponseController(w).Flush() },
			func(http.ResponseWriter, *http.Request) {},
		} {
			w := send(build(t, config.Middleware{Headers: &config.Headers{CustomResponseHeaders: map[string]string{"X-Out": "1"}}}, h), "GET", "/")
			if got := w.Result().Header.Get("X-Out"); got != "1" {
				t.Errorf("X-Out: got %q, want 1", got)
			}
		}
	})
	t.Run("OK/security over TLS", func(t *testing.T) {
		t.Parallel()
		h := build(t, config.Middleware{Headers: &config.Headers{STSSeconds: 5}}, echo)
		r, w := httptest.NewRequest("GET", "https://a/", nil), httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if got := w.Header().Get("Strict-Transport-Security"); got != "max-age=5" {
			t.Errorf("header: got %q, want max-age=5", got)
		}
	})
}

func TestRedirectScheme(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name      string
		config    config.RedirectScheme
		method    string
		host      string
		tls       bool
		status    int
		location  string
		websocket bool
	}{
		{"OK/entrypoint's port", config.RedirectScheme{Scheme: "https"}, "GET", "a.localhost:8080", false, 302, "https://a.localhost:8443/p?q=1",
			false},
		{"OK/default port", config.RedirectScheme{Scheme: "https", Port: "443"}, "GET", "a.localhost:8080", false, 302,
			"https://a.localhost/p?q=1", false},
		{"OK/given port", config.RedirectScheme{Scheme: "HTTPS", Port: "9"}, "POST", "a.localhost", false, 307, "https://a.localhost:9/p?q=1",
			false},
		{"OK/permanent", config.RedirectScheme{Scheme: "https", Permanent: true}, "GET", "a.localhost", false, 301,
			"https://a.localhost:8443/p?q=1", false},
		{"OK/permanent POST", config.RedirectScheme{Scheme: "https", Permanent: true}, "POST", "a.localhost", false, 308,
			"https://a.localhost:8443/p?q=1", false},
		{"OK/IPv6", config.RedirectScheme{Scheme: "https", Port: "443"}, "GET", "[::1]:8080", false, 302, "https://[::1]/p?q=1", false},
		{"OK/to http", config.RedirectScheme{Scheme: "http"}, "GET", "a.localhost", true, 302, "http://a.localhost:8080/p?q=1", false},
		{"OK/already https", config.RedirectScheme{Scheme: "https"}, "GET", "a.localhost", true, 200, "", false},
		{"OK/already wss", config.RedirectScheme{Scheme: "https"}, "GET", "a.localhost", true, 200, "", true},
		{"OK/already http", config.RedirectScheme{Scheme: "http"}, "GET", "a.localhost", false, 200, "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := build(t, config.Middleware{RedirectScheme: &tt.config}, echo)
			r := httptest.NewRequest(tt.method, "/p?q=1", nil)
			r.Host = tt.host
			if tt.tls {
				r.TLS = &tls.ConnectionState{}
			}
			if tt.websocket {
				r.Header.Set("Upgrade", "websocket")
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if got := w.Header().Get("Location"); w.Code != tt.status || got != tt.location {
				t.Errorf("answer: got %d %q, want %d %q", w.Code, got, tt.status, tt.location)
			}
		})
	}
}

func ok(http.ResponseWriter, *http.Request) {}

func limit(c config.RateLimit) config.Middleware { return config.Middleware{RateLimit: &c} }

func TestRateLimit(t *testing.T) {
	t.Parallel()
	t.Run("OK/BurstThen429ThenAgain", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := build(t, limit(config.RateLimit{Average: 1, Period: config.Duration(10 * time.Second), Burst: 2}), ok)
			for i, want := range []int{200, 200, 429} {
				w := send(h, "GET", "/")
				if w.Code != want {
					t.Errorf("request %d: got %d, want %d", i, w.Code, want)
				}
				if want == 429 && (w.Header().Get("Retry-After") != "10" || w.Header().Get("X-Retry-In") != "10s" ||
					w.Body.String() != "Too Many Requests") {
					t.Errorf("refusal: got %v %q", w.Header(), w.Body)
				}
			}
			<-time.After(10 * time.Second) // of the bubble's clock
			if w := send(h, "GET", "/"); w.Code != 200 {
				t.Errorf("after the period: got %d, want 200", w.Code)
			}
		})
	})
	t.Run("OK/ShortWaitIsServed", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := build(t, limit(config.RateLimit{Average: 100}), ok)
			send(h, "GET", "/")
			<-time.After(6 * time.Millisecond)
			began := time.Now()
			if w := send(h, "GET", "/"); w.Code != 200 || time.Since(began) != 4*time.Millisecond {
				t.Errorf("early request: got %d after %s, want 200 after 4ms", w.Code, time.Since(began))
			}
		})
	})
	t.Run("OK/Unlimited", func(t *testing.T) {
		t.Parallel()
		h := build(t, limit(config.RateLimit{}), ok)
		for range 100 {
			if w := send(h, "GET", "/"); w.Code != 200 {
				t.Fatalf("status: got %d, want 200", w.Code)
			}
		}
	})
}

func TestRateLimitSource(t *testing.T) {
	t.Parallel()
	for name, criterion := range map[string]*config.SourceCriterion{"header": {RequestHeaderName: "X-Who"}, "host": {RequestHost: true}} {
		t.Run("OK/By "+name, func(t *testing.T) {
			t.Parallel()
			h := build(t, limit(config.RateLimit{Average: 1, Period: config.Duration(time.Hour), SourceCriterion: criterion}), ok)
			one, two := strings.Repeat("1", 500), strings.Repeat("2", 500)
			for i, tt := range []struct {
				who  string
				want int
			}{{one, 200}, {one, 429}, {two, 200}} {
				r := httptest.NewRequest("GET", "/", nil)
				r.Host = tt.who
				r.Header.Set("X-Who", tt.who)
				w := httptest.NewRecorder()
				if h.ServeHTTP(w, r); w.Code != tt.want {
					t.Errorf("request %d: got %d, want %d", i, w.Code, tt.want)
				}
			}
		})
	}
}

func TestBuildErrors(t *testing.T) {
	t.Parallel()
	for want, m := range map[string]config.Middleware{
		"no settings":      {},
		"addprefix.prefix": {AddPrefix: &config.AddPrefix{}},
		"exclude each other": {RateLimit: &config.RateLimit{Average: 1, SourceCriterion: &config.SourceCriterion{
			IPStrategy: &config.IPStrategy{}, RequestHost: true}}},
		"exclude each": {InFlightReq: &config.InFlightReq{Amount: 1, SourceCriterion: &config.SourceCriterion{
			RequestHeaderName: "X-Who", RequestHost: true}}},
		"redirectscheme.scheme": {RedirectScheme: &config.RedirectScheme{}},
		"redirectscheme.port":   {RedirectScheme: &config.RedirectScheme{Scheme: "https", Port: "x"}},
		"ratelimit":             {RateLimit: &config.RateLimit{Average: -1}},
		"listregex":             {Headers: &config.Headers{AccessControlAllowOriginListRegex: []string{"("}}},
	} {
		t.Run("Err/"+want, func(t *testing.T) {
			t.Parallel()
			if _, err := middleware.Build(&m, env); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error: got %v, want one about %s", err, want)
			}
		})
	}
}
