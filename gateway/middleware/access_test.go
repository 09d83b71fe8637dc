package middleware_test

import (
	"crypto/md5"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"axion/gateway/config"
	"axion/gateway/middleware"
)

// htpasswd's lines for the password "secret".
const (
	shaLine = "sue:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ="
	md5Line = "mel:$apr1$abcdefgh$h9FWgUz3n9YxylKLlR5SQ/"
)

func bcryptLine(t *testing.T) string {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte("secret"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return "ann:" + string(hash)
}

// built wraps an echo of the request that reached the service.
func built(t testing.TB, m *config.Middleware, env middleware.Env) http.Handler {
	t.Helper()
	wrap, err := middleware.Build(m, env)
	if err != nil {
		t.Fatalf("Build: %v", err)
	}
	return wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, name := range []string{"X-User", "Authorization", "X-Forwarded-Tls-Client-Cert-Info", "X-Forwarded-Tls-Client-Cert"} {
			fmt.Fprintf(w, "%s=%s\n", name, r.Header.Get(name))
		}
		body, _ := io.ReadAll(r.Body)
		_, _ = w.Write(body)
	}))
}

func do(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestBasicAuth(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "users")
	if err := os.WriteFile(file, []byte("# users\n"+shaLine+"\n\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	h := built(t, &config.Middleware{BasicAuth: &config.BasicAuth{Users: []string{bcryptLine(t), md5Line}, UsersFile: file, HeaderField: "X-User", RemoveHeader: true}}, middleware.Env{})
	for _, tt := range []struct {
		user, password string
		want           int
	}{{"ann", "secret", 200}, {"ann", "secret", 200}, {"sue", "secret", 200}, {"mel", "secret", 200}, {"ann", "wrong", 401}, {"bob", "secret", 401}, {"", "", 401}} {
		r := httptest.NewRequest("GET", "/", nil)
		if tt.user != "" {
			r.SetBasicAuth(tt.user, tt.password)
		}
		w := do(h, r)
		if w.Code != tt.want {
			t.Errorf("%s %s: got %d, want %d", tt.user, tt.password, w.Code, tt.want)
		}
		if tt.want == 200 && !strings.HasPrefix(w.Body.String(), "X-User="+tt.user+"\nAuthorization=\n") {
			t.Errorf("%s: the service saw %q", tt.user, w.Body.String())
		}
		if got := w.Header().Get("Www-Authenticate"); tt.want == 401 && got != `Basic realm="traefik"` {
			t.Errorf("challenge: got %q", got)
		}
	}
}

func TestAccessErrors(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		m    config.Middleware
		want string
	}{
		"ErrNoUsers":      {config.Middleware{BasicAuth: &config.BasicAuth{}}, "no users"},
		"ErrPlain":        {config.Middleware{BasicAuth: &config.BasicAuth{Users: []string{"a:secret"}}}, "not hashed"},
		"ErrUsersFile":    {config.Middleware{BasicAuth: &config.BasicAuth{UsersFile: "/nonexistent"}}, "usersfile"},
		"ErrNoName":       {config.Middleware{BasicAuth: &config.BasicAuth{Users: []string{":x"}}}, "not name:hash"},
		"ErrDigestLine":   {config.Middleware{DigestAuth: &config.DigestAuth{Users: []string{"a:b"}}}, "name:realm:hash"},
		"ErrDigestRealm":  {config.Middleware{DigestAuth: &config.DigestAuth{Users: []string{"a:other:" + strings.Repeat("0", 32)}}}, "no user is of the realm"},
		"ErrRange":        {config.Middleware{IPAllowList: &config.IPAllowList{SourceRange: []string{"10.0.0/8"}}}, "10.0.0.0/8"},
		"ErrNoRange":      {config.Middleware{IPWhiteList: &config.IPAllowList{}}, "sourcerange is empty"},
		"ErrRejectStatus": {config.Middleware{IPAllowList: &config.IPAllowList{SourceRange: []string{"10.0.0.0/8"}, RejectStatusCode: 99}}, "rejectstatuscode"},
		"ErrDepth":        {config.Middleware{RateLimit: &config.RateLimit{Average: 1, SourceCriterion: &config.SourceCriterion{IPStrategy: &config.IPStrategy{Depth: -1}}}}, "depth"},
		"ErrAmount":       {config.Middleware{InFlightReq: &config.InFlightReq{}}, "amount"},
		"ErrAddress":      {config.Middleware{ForwardAuth: &config.ForwardAuth{Address: "auth:80"}}, "forwardauth.address"},
		"ErrPattern":      {config.Middleware{ForwardAuth: &config.ForwardAuth{Address: "http://a", AuthResponseHeadersRegex: "("}}, "authresponseheadersregex"},
		"ErrCA":           {config.Middleware{ForwardAuth: &config.ForwardAuth{Address: "http://a", TLS: &config.ClientTLS{CA: "/nonexistent"}}}, "forwardauth.tls.ca"},
		"ErrNothing":      {config.Middleware{PassTLSClientCert: &config.PassTLSClientCert{}}, "asks for nothing"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := middleware.Build(&tt.m, middleware.Env{})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func md5hex(text string) string {
	sum := md5.Sum([]byte(text))
	return hex.EncodeToString(sum[:])
}

func TestDigestAuth(t *testing.T) {
	t.Parallel()
	h := built(t, &config.Middleware{DigestAuth: &config.DigestAuth{Users: []string{"ann:traefik:" + md5hex("ann:traefik:secret")}, HeaderField: "X-User"}}, middleware.Env{})
	first := do(h, httptest.NewRequest("GET", "/x?y=z", nil))
	challenge := first.Header().Get("Www-Authenticate")
	found := regexp.MustCompile(`nonce="([0-9a-f]+)"`).FindStringSubmatch(challenge)
	if first.Code != 401 || found == nil || !strings.Contains(challenge, `qop="auth"`) {
		t.Fatalf("got %d, challenge %q", first.Code, challenge)
	}
	ask := func(nonce, password, uri string) *httptest.ResponseRecorder {
		response := md5hex(strings.Join([]string{md5hex("ann:traefik:" + password), nonce, "00000001", "abc", "auth", md5hex("GET:" + uri)}, ":"))
		r := httptest.NewRequest("GET", "/x?y=z", nil)
		r.Header.Set("Authorization", fmt.Sprintf(`Digest username="ann", realm="traefik", nonce="%s", uri="%s", qop=auth, nc=00000001, cnonce="abc", response="%s", algorithm=MD5`, nonce, uri, response))
		return do(h, r)
	}
	if w := ask(found[1], "secret", "/x?y=z"); w.Code != 200 || !strings.HasPrefix(w.Body.String(), "X-User=ann\n") {
		t.Errorf("right: got %d %q", w.Code, w.Body.String())
	}
	if w := ask(found[1], "wrong", "/x?y=z"); w.Code != 401 {
		t.Errorf("wrong password: got %d", w.Code)
	}
	if w := ask(found[1], "secret", "/other"); w.Code != 401 {
		t.Errorf("another path: got %d", w.Code)
	}
	if w := ask(strings.Repeat("ab", 24), "secret", "/x?y=z"); w.Code != 401 || !strings.Contains(w.Header().Get("Www-Authenticate"), "stale=true") {
		t.Errorf("a nonce of another run: got %d %q", w.Code, w.Header().Get("Www-Authenticate"))
	}
}

func FuzzDigest(f *testing.F) {
	h := built(f, &config.Middleware{DigestAuth: &config.DigestAuth{Users: []string{"ann:traefik:" + md5hex("ann:traefik:secret")}}}, middleware.Env{})
	f.Add(`Digest username="ann", nonce=, qop=auth`)
	f.Fuzz(func(t *testing.T, header string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header["Authorization"] = []string{header}
		if w := do(h, r); w.Code != 401 {
			t.Errorf("%q was let in", header)
		}
	})
}

func TestIPAllowList(t *testing.T) {
	t.Parallel()
	subnet := 64
	for name, tt := range map[string]struct {
		list      config.IPAllowList
		peer, xff string
		want      int
	}{
		"OK/Peer":       {config.IPAllowList{SourceRange: []string{"10.0.0.0/8", "::1"}}, "10.1.2.3:1", "", 200},
		"OK/Mapped":     {config.IPAllowList{SourceRange: []string{"10.0.0.0/8"}}, "[::ffff:10.1.2.3]:1", "", 200},
		"OK/IPv6":       {config.IPAllowList{SourceRange: []string{"::1"}}, "[::1]:1", "", 200},
		"ErrPeer":       {config.IPAllowList{SourceRange: []string{"10.0.0.0/8"}}, "11.1.2.3:1", "10.1.1.1", 403},
		"ErrStatus":     {config.IPAllowList{SourceRange: []string{"10.0.0.0/8"}, RejectStatusCode: 418}, "11.1.2.3:1", "", 418},
		"OK/Depth":      {config.IPAllowList{SourceRange: []string{"10.0.0.0/8"}, IPStrategy: &config.IPStrategy{Depth: 2}}, "9.9.9.9:1", "1.1.1.1, 10.0.0.1, 2.2.2.2", 200},
		"ErrDepth":      {config.IPAllowList{SourceRange: []string{"0.0.0.0/0"}, IPStrategy: &config.IPStrategy{Depth: 4}}, "9.9.9.9:1", "1.1.1.1", 403},
		"OK/Excluded":   {config.IPAllowList{SourceRange: []string{"10.0.0.0/8"}, IPStrategy: &config.IPStrategy{ExcludedIPs: []string{"2.2.2.2"}}}, "9.9.9.9:1", "1.1.1.1, 10.0.0.1, 2.2.2.2", 200},
		"ErrExcluded":   {config.IPAllowList{SourceRange: []string{"10.0.0.0/8"}, IPStrategy: &config.IPStrategy{ExcludedIPs: []string{"3.3.3.3"}}}, "9.9.9.9:1", "10.0.0.1, 2.2.2.2", 403},
		"OK/SubnetOfV6": {config.IPAllowList{SourceRange: []string{"2001:db8::"}, IPStrategy: &config.IPStrategy{IPv6Subnet: &subnet}}, "[2001:db8::7]:1", "", 200},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest("GET", "/", nil)
			r.RemoteAddr = tt.peer
			if tt.xff != "" {
				r.Header.Set("X-Forwarded-For", tt.xff)
			}
			if w := do(built(t, &config.Middleware{IPAllowList: &tt.list}, middleware.Env{}), r); w.Code != tt.want {
				t.Errorf("got %d, want %d", w.Code, tt.want)
			}
		})
	}
}

func TestInFlightReq(t *testing.T) {
	t.Parallel()
	wrap, err := middleware.Build(&config.Middleware{InFlightReq: &config.InFlightReq{Amount: 1}}, middleware.Env{})
	if err != nil {
		t.Fatal(err)
	}
	entered, leave := make(chan struct{}), make(chan struct{})
	h := wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { entered <- struct{}{}; <-leave }))
	ask := func(host string) *http.Request {
		r := httptest.NewRequest("GET", "/", nil)
		r.Host = host
		return r
	}
	done := make(chan int)
	go func() { done <- do(h, ask("a")).Code }()
	<-entered
	if w := do(h, ask("a")); w.Code != 429 {
		t.Errorf("second: got %d, want 429", w.Code)
	}
	go func() { done <- do(h, ask("b")).Code }()
	<-entered
	close(leave)
	for range 2 {
		if code := <-done; code != 200 {
			t.Errorf("got %d, want 200", code)
		}
	}
	go func() { <-entered }()
	if w := do(h, ask("a")); w.Code != 200 {
		t.Errorf("after the first has left: got %d, want 200", w.Code)
	}
}

func TestEncodedCharacters(t *testing.T) {
	t.Parallel()
	h := built(t, &config.Middleware{EncodedCharacters: &config.EncodedCharacters{AllowEncodedSlash: true}}, middleware.Env{})
	for path, want := range map[string]int{"/a": 200, "/a%2fb": 200, "/a%5Cb": 400, "/a%00": 400, "/a%3bb": 400, "/a%25b": 400, "/a%3fb": 400, "/a%23": 400, "/a%20b": 200} {
		if w := do(h, httptest.NewRequest("GET", path, nil)); w.Code != want {
			t.Errorf("%s: got %d, want %d", path, w.Code, want)
		}
	}
}

func TestPassTLSClientCert(t *testing.T) {
	t.Parallel()
	cert := &x509.Certificate{
		Raw: []byte("der"), SerialNumber: big.NewInt(7), DNSNames: []string{"a.b"},
		Subject: pkix.Name{Names: []pkix.AttributeTypeAndValue{
			{Type: []int{2, 5, 4, 3}, Value: "ann"}, {Type: []int{2, 5, 4, 6}, Value: "DE"}, {Type: []int{2, 5, 4, 11}, Value: "unit"}}},
	}
	h := built(t, &config.Middleware{PassTLSClientCert: &config.PassTLSClientCert{PEM: true, Info: &config.ClientCertInfo{
		SerialNumber: true, Sans: true, Subject: &config.CertName{Country: true, CommonName: true}}}}, middleware.Env{})
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("X-Forwarded-Tls-Client-Cert", "forged")
	if got := do(h, r).Body.String(); strings.Contains(got, "forged") {
		t.Errorf("without TLS the service saw %q", got)
	}
	r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{cert}}
	got := do(h, r).Body.String()
	if want := `X-Forwarded-Tls-Client-Cert-Info=Subject%3D%22C%3DDE%2CCN%3Dann%22%3BSerialNumber%3D%227%22%3BSAN%3D%22a.b%22`; !strings.Contains(got, want) {
		t.Errorf("the service saw %q, want %q", got, want)
	}
	if want := "X-Forwarded-Tls-Client-Cert=ZGVy\n"; !strings.Contains(got, want) {
		t.Errorf("the service saw %q, want %q", got, want)
	}
}

func TestForwardAuth(t *testing.T) {
	t.Parallel()
	auth := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch {
		case r.Header.Get("Connection") == "close-now", r.URL.Path == "/down":
			c, _, _ := http.NewResponseController(w).Hijack()
			_ = c.Close()
		case r.Header.Get("Authorization") == "Bearer good":
			w.Header().Set("X-User", "ann "+r.Method+" "+r.Header.Get("X-Forwarded-Method")+" "+r.Header.Get("X-Forwarded-Uri")+" "+r.Header.Get("X-Forwarded-Host")+" "+r.Header.Get("X-Forwarded-For")+" "+string(body))
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
	if want := "X-User=ann GET POST /x?y=z shop.localhost 192.0.2.1 body\n"; w.Code != 200 || !strings.HasPrefix(w.Body.String(), want) || !strings.HasSuffix(w.Body.String(), "body") {
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

func TestHeadersDoor(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		headers  config.Headers
		proxied  string
		status   int
		location string
	}{
		"OK":            {config.Headers{AllowedHosts: []string{"Shop.localhost"}}, "", 200, ""},
		"ErrHost":       {config.Headers{AllowedHosts: []string{"other.localhost"}}, "", 500, ""},
		"OK/ProxyHost":  {config.Headers{AllowedHosts: []string{"other.localhost"}, HostsProxyHeaders: []string{"X-Host"}}, "other.localhost", 200, ""},
		"OK/Develop":    {config.Headers{AllowedHosts: []string{"other.localhost"}, SSLRedirect: true, IsDevelopment: true}, "", 200, ""},
		"Redirect":      {config.Headers{SSLRedirect: true}, "", 301, "https://shop.localhost/x?y"},
		"RedirectTo":    {config.Headers{SSLRedirect: true, SSLTemporaryRedirect: true, SSLHost: "s.localhost"}, "", 307, "https://s.localhost/x?y"},
		"OK/ProxiedTLS": {config.Headers{SSLRedirect: true, SSLProxyHeaders: map[string]string{"X-Host": "tls"}}, "tls", 200, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest("GET", "http://shop.localhost/x?y", nil)
			r.Header.Set("X-Host", tt.proxied)
			w := do(built(t, &config.Middleware{Headers: &tt.headers}, middleware.Env{}), r)
			if w.Code != tt.status || w.Header().Get("Location") != tt.location {
				t.Errorf("got %d %q, want %d %q", w.Code, w.Header().Get("Location"), tt.status, tt.location)
			}
		})
	}
}
