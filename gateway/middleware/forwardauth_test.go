package middleware_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sort"
	"strings"
	"testing"

	"axion/gateway/config"
	"axion/gateway/middleware"
)

func TestForwardAuth(t *testing.T) {
	t.Parallel()
	auth := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch {
		case r.Header.Get("Connection") == "close-now", r.URL.Path == "/down":
			c, _, _ := http.NewResponseController(w).Hijack()
			_ = c.Close()
		case r.Header.Get("Authorization") == "Bearer good":
			w.Header().Set("X-User", "ann "+r.Method+" "+r.Header.Get("X-Forwarded-Method")+" "+r.Header.Get("X-Forwarded-Uri")+" "+
				r.Header.Get("X-Forwarded-Host")+" "+r.Header.Get("X-Forwarded-For")+" "+string(body))
			http.SetCookie(w, &http.Cookie{Name: "session", Value: "new"})
			w.WriteHeader(http.StatusNoContent)
		default:
			w.Header().Set("Location", "/login")
			w.WriteHeader(http.StatusFound)
			_, _ = io.WriteString(w, "log in")
		}
	}))
	t.Cleanup(auth.Close)
	env := middleware.Env{Context: t.Context()}
	h := built(t, &config.Middleware{ForwardAuth: &config.ForwardAuth{Address: auth.URL + "/verify", AuthResponseHeaders: []string{"x-user"},
		AddAuthCookiesToResponse: []string{"session"}, ForwardBody: true}}, env)
	ask := func(token string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("POST", "http://shop.localhost/x?y=z", strings.NewReader("body"))
		r.Header.Set("Authorization", token)
		r.Header.Set("X-User", "forged")
		r.Header.Set("X-Forwarded-For", "6.6.6.6")
		return do(h, r)
	}
	w := ask("Bearer good")
	if want := "X-User=ann GET POST /x?y=z shop.localhost 192.0.2.1 body\n"; w.Code != 200 || !strings.HasPrefix(w.Body.String(), want) ||
		!strings.HasSuffix(w.Body.String(), "body") {
		t.Errorf("good: got %d %q, want %q and the body", w.Code, w.Body.String(), want)
	}
	if got := w.Header().Get("Set-Cookie"); got != "session=new" {
		t.Errorf("cookie: got %q", got)
	}
	w = ask("Bearer bad")
	if w.Code != 302 || w.Header().Get("Location") != auth.URL+"/login" || w.Body.String() != "log in" {
		t.Errorf("bad: got %d %q %q", w.Code, w.Header().Get("Location"), w.Body.String())
	}
	h = built(t, &config.Middleware{ForwardAuth: &config.ForwardAuth{Address: auth.URL + "/down"}}, env)
	if w := ask("Bearer good"); w.Code != 500 {
		t.Errorf("down: got %d, want 500", w.Code)
	}
	one := int64(1)
	h = built(t, &config.Middleware{ForwardAuth: &config.ForwardAuth{Address: auth.URL, ForwardBody: true, MaxBodySize: &one}}, env)
	if w := ask("Bearer good"); w.Code != 401 {
		t.Errorf("a body too large: got %d, want 401", w.Code)
	}
}

// named notes who is asked for, as the access log does.
type named struct {
	*httptest.ResponseRecorder
	user string
}

func (n *named) SetUser(name string) { n.user = name }

// deciding is a server that answers so.
func deciding(t *testing.T, status int, body string, header ...string) string {
	t.Helper()
	return serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	})).URL
}

func authBy(c config.ForwardAuth) *config.Middleware { return &config.Middleware{ForwardAuth: &c} }

func TestForwardAuthSignin(t *testing.T) {
	t.Parallel()
	const signin = "https://login.localhost/?from=app"
	for name, tt := range map[string]struct {
		status           int // of the deciding server
		signin           string
		want             int
		location, cookie string
	}{
		"OK/Unauthorized":   {401, signin, 302, signin, ""},
		"OK/Forbidden":      {403, signin, 403, "", "a=b"},
		"OK/Redirect":       {302, signin, 302, "https://elsewhere.localhost/", "a=b"},
		"OK/Allowed":        {200, signin, 200, "", ""},
		"OK/WithoutSetting": {401, "", 401, "", "a=b"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			header := []string{"Set-Cookie", "a=b", "Www-Authenticate", "Bearer"}
			if tt.status == 302 {
				header = append(header, "Location", "https://elsewhere.localhost/")
			}
			h := built(t, authBy(config.ForwardAuth{Address: deciding(t, tt.status, "", header...), AuthSigninURL: tt.signin}),
				middleware.Env{Context: t.Context()})
			w := do(h, httptest.NewRequest("GET", "http://shop.localhost/x?y=z", nil))
			if w.Code != tt.want || w.Header().Get("Location") != tt.location || w.Header().Get("Set-Cookie") != tt.cookie {
				t.Errorf("got %d %v, want %d to %q", w.Code, w.Header(), tt.want, tt.location)
			}
		})
	}
}

// The user is named in the log, and the service gets no name.
func TestForwardAuthHeaderField(t *testing.T) {
	t.Parallel()
	h := built(t, authBy(config.ForwardAuth{Address: deciding(t, 200, "", "X-User", "ann"), HeaderField: "x-user"}),
		middleware.Env{Context: t.Context()})
	w := &named{ResponseRecorder: httptest.NewRecorder()}
	r := httptest.NewRequest("GET", "/", nil)
	h.ServeHTTP(w, r)
	if w.user != "ann" || !strings.HasPrefix(w.Body.String(), "X-User=\n") {
		t.Errorf("got user %q, the service saw %q", w.user, w.Body)
	}
}

func TestForwardAuthAnswerSize(t *testing.T) {
	t.Parallel()
	bytes := func(n int64) *int64 { return &n }
	for name, tt := range map[string]struct {
		limit *int64
		want  int
	}{
		"OK/Unset":     {nil, 200},
		"OK/Unlimited": {bytes(-1), 200},
		"OK/AtLimit":   {bytes(4), 200},
		"ErrOver":      {bytes(3), 401},
		"ErrNone":      {bytes(0), 401},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := built(t, authBy(config.ForwardAuth{Address: deciding(t, 200, "body"), MaxResponseBodySize: tt.limit}),
				middleware.Env{Context: t.Context()})
			if w := do(h, httptest.NewRequest("GET", "/", nil)); w.Code != tt.want {
				t.Errorf("got %d, want %d", w.Code, tt.want)
			}
		})
	}
}

// asked is what of a request's header a deciding server sees, as sorted lines.
func asked(t *testing.T, c config.ForwardAuth, prepare func(*http.Request)) string {
	t.Helper()
	var lines []string
	c.Address = serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		for name, values := range r.Header {
			if name != "Accept-Encoding" {
				lines = append(lines, name+": "+strings.Join(values, "|"))
			}
		}
	})).URL
	r := httptest.NewRequest("GET", "http://shop.localhost:8080/x?y=z", nil)
	r.RemoteAddr = "192.0.2.1:1"
	for name, value := range map[string]string{
		"X-Forwarded-For": "6.6.6.6", "X-Forwarded-Host": "h", "X-Forwarded-Proto": "https", "X-Forwarded-Port": "9", "X-Forwarded-Method": "PUT",
		"X-Forwarded-Uri": "/u", "X-Forwarded-Prefix": "/p", "X-Forwarded-Server": "s", "X-Real-Ip": "6.6.6.6", "X-Mine": "1",
		"X-Forwarded-Tls-Client-Cert": "c", "Proxy-Authorization": "Basic YQ==", "Keep-Alive": "1", "Expect": "100-continue",
	} {
		r.Header.Set(name, value)
	}
	if prepare != nil {
		prepare(r)
	}
	do(built(t, &config.Middleware{ForwardAuth: &c}, middleware.Env{Context: t.Context()}), r)
	sort.Strings(lines)
	return strings.Join(lines, "\n")
}

func TestForwardAuthHeaders(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	const ours = "X-Forwarded-For: 192.0.2.1\nX-Forwarded-Host: shop.localhost:8080\nX-Forwarded-Method: GET\n"
	const own = "Proxy-Authorization: Basic YQ==\n"
	for name, tt := range map[string]struct {
		config  config.ForwardAuth
		prepare func(*http.Request)
		want    string
	}{
		"OK/Untrusted": {config.ForwardAuth{TrustForwardHeader: &no}, nil,
			own + ours + "X-Forwarded-Port: 8080\nX-Forwarded-Proto: http\nX-Forwarded-Uri: /x?y=z\nX-Mine: 1"},
		"OK/UntrustedThoughListed": {config.ForwardAuth{TrustForwardHeader: &no,
			AuthRequestHeaders: []string{"x-real-ip", "X-Forwarded-For", "x-mine"}}, nil,
			ours + "X-Forwarded-Port: 8080\nX-Forwarded-Proto: http\nX-Forwarded-Uri: /x?y=z\nX-Mine: 1"},
		"OK/UsualPort": {config.ForwardAuth{TrustForwardHeader: &no, AuthRequestHeaders: []string{"x-mine"}},
			func(r *http.Request) { r.Host = "h" },
			"X-Forwarded-For: 192.0.2.1\nX-Forwarded-Host: h\nX-Forwarded-Method: GET\nX-Forwarded-Port: 80\nX-Forwarded-Proto: http\n" +
				"X-Forwarded-Uri: /x?y=z\nX-Mine: 1"},
		"OK/Trusted": {config.ForwardAuth{TrustForwardHeader: &yes, AuthRequestHeaders: []string{"x-mine"}}, nil,
			"X-Forwarded-For: 6.6.6.6, 192.0.2.1\nX-Forwarded-Host: h\nX-Forwarded-Method: PUT\nX-Forwarded-Port: 9\nX-Forwarded-Prefix: /p\n" +
				"X-Forwarded-Proto: https\nX-Forwarded-Server: s\nX-Forwarded-Tls-Client-Cert: c\nX-Forwarded-Uri: /u\nX-Mine: 1\nX-Real-Ip: 6.6.6.6"},
		"OK/Unset": {config.ForwardAuth{}, nil,
			own + ours + "X-Forwarded-Port: 9\nX-Forwarded-Prefix: /p\nX-Forwarded-Proto: http\nX-Forwarded-Server: s\n" +
				"X-Forwarded-Tls-Client-Cert: c\nX-Forwarded-Uri: /x?y=z\nX-Mine: 1\nX-Real-Ip: 6.6.6.6"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := asked(t, tt.config, tt.prepare); got != tt.want {
				t.Errorf("the server saw\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

// A body is sent to both, whatever its size, unless there is a limit.
func TestForwardAuthBody(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("x", 3<<20)
	address := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-User", fmt.Sprint(r.Method, " ", len(body), " ", r.ContentLength))
	})).URL
	for name, tt := range map[string]struct {
		method, body string
		chunked      bool
		limit        int64
		preserve     bool
		status       int
		want         string // what the server saw
	}{
		"OK/Large":    {"POST", large, true, -1, true, 200, "POST 3145728 3145728"},
		"OK/AtLimit":  {"POST", "body", true, 4, false, 200, "GET 4 4"},
		"OK/Empty":    {"POST", "", false, 0, false, 200, "GET 0 0"},
		"ErrOver":     {"POST", "body", true, 3, false, 401, ""},
		"ErrNone":     {"POST", "b", false, 0, false, 401, ""},
		"OK/Tunnel":   {"CONNECT", "tunnel", true, -1, false, 200, "GET 0 0"},
		"OK/HEAD":     {"HEAD", "", false, -1, true, 200, "HEAD 0 0"},
		"OK/Sent one": {"PUT", "b", false, 1, true, 200, "PUT 1 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := built(t, authBy(config.ForwardAuth{Address: address, ForwardBody: true, MaxBodySize: &tt.limit, PreserveRequestMethod: tt.preserve,
				AuthResponseHeaders: []string{"X-User"}}), middleware.Env{Context: t.Context()})
			r := httptest.NewRequest(tt.method, "http://shop.localhost/", strings.NewReader(tt.body))
			if tt.chunked {
				r.ContentLength = -1
			}
			w := do(h, r)
			if w.Code != tt.status {
				t.Fatalf("got %d, want %d", w.Code, tt.status)
			}
			if tt.status == 200 && (!strings.HasPrefix(w.Body.String(), "X-User="+tt.want+"\n") ||
				!strings.HasSuffix(w.Body.String(), "\n"+tt.body)) {
				t.Errorf("the service saw %.200q, want %q and the body", w.Body, tt.want)
			}
		})
	}
}
