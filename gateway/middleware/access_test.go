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
	h := built(t, &config.Middleware{BasicAuth: &config.BasicAuth{Users: []string{bcryptLine(t), md5Line}, UsersFile: file,
		HeaderField: "X-User", RemoveHeader: true}}, middleware.Env{})
	for _, tt := range []struct {
		user, password string
		want           int
	}{{"ann", "secret", 200}, {"ann", "secret", 200}, {"sue", "secret", 200}, {"mel", "secret", 200}, {"ann", "wrong", 401},
		{"bob", "secret", 401}, {"", "", 401}} {
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

// The users that are given win over those of the file.
func TestBasicAuthSameUser(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "users")
	if err := os.WriteFile(file, []byte("ann:"+strings.TrimPrefix(shaLine, "sue:")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	hash, err := bcrypt.GenerateFromPassword([]byte("other"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	h := built(t, &config.Middleware{BasicAuth: &config.BasicAuth{Users: []string{"ann:" + string(hash)}, UsersFile: file}}, middleware.Env{})
	for password, want := range map[string]int{"other": 200, "secret": 401} {
		r := httptest.NewRequest("GET", "/", nil)
		r.SetBasicAuth("ann", password)
		if w := do(h, r); w.Code != want {
			t.Errorf("%s: got %d, want %d", password, w.Code, want)
		}
	}
}

func TestAccessErrors(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		m    config.Middleware
		want string
	}{
		"ErrNoUsers":    {config.Middleware{BasicAuth: &config.BasicAuth{}}, "no users"},
		"ErrPlain":      {config.Middleware{BasicAuth: &config.BasicAuth{Users: []string{"a:secret"}}}, "not hashed"},
		"ErrUsersFile":  {config.Middleware{BasicAuth: &config.BasicAuth{UsersFile: "/nonexistent"}}, "usersfile"},
		"ErrNoName":     {config.Middleware{BasicAuth: &config.BasicAuth{Users: []string{":x"}}}, "not name:hash"},
		"ErrDigestLine": {config.Middleware{DigestAuth: &config.DigestAuth{Users: []string{"a:b"}}}, "name:realm:hash"},
		"ErrDigestRealm": {config.Middleware{DigestAuth: &config.DigestAuth{Users: []string{"a:other:" + strings.Repeat("0", 32)}}},
			"no user is of the realm"},
		"ErrRange":   {config.Middleware{IPAllowList: &config.IPAllowList{SourceRange: []string{"10.0.0/8"}}}, "10.0.0.0/8"},
		"ErrNoRange": {config.Middleware{IPWhiteList: &config.IPAllowList{}}, "sourcerange is empty"},
		"ErrRejectStatus": {config.Middleware{IPAllowList: &config.IPAllowList{SourceRange: []string{"10.0.0.0/8"}, RejectStatusCode: 99}},
			"rejectstatuscode"},
		"ErrDepth": {config.Middleware{RateLimit: &config.RateLimit{Average: 1,
			SourceCriterion: &config.SourceCriterion{IPStrategy: &config.IPStrategy{Depth: -1}}}}, "depth"},
		"ErrAddress": {config.Middleware{ForwardAuth: &config.ForwardAuth{Address: "auth:80"}}, "forwardauth.address"},
		"ErrPattern": {config.Middleware{ForwardAuth: &config.ForwardAuth{Address: "http://a", AuthResponseHeadersRegex: "("}},
			"authresponseheadersregex"},
		"ErrCA": {config.Middleware{ForwardAuth: &config.ForwardAuth{Address: "http://a", TLS: &config.ClientTLS{CA: "/nonexistent"}}},
			"forwardauth.tls.ca"},
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

func FuzzDigest(f *testing.F) {
	h := built(f, &config.Middleware{DigestAuth: &config.DigestAuth{Users: []string{"ann:traefik:" + md5hex("ann:traefik:secret")}}},
		middleware.Env{})
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
		"OK/Peer":   {config.IPAllowList{SourceRange: []string{"10.0.0.0/8", "::1"}}, "10.1.2.3:1", "", 200},
		"OK/Mapped": {config.IPAllowList{SourceRange: []string{"10.0.0.0/8"}}, "[::ffff:10.1.2.3]:1", "", 200},
		"OK/IPv6":   {config.IPAllowList{SourceRange: []string{"::1"}}, "[::1]:1", "", 200},
		"ErrPeer":   {config.IPAllowList{SourceRange: []string{"10.0.0.0/8"}}, "11.1.2.3:1", "10.1.1.1", 403},
		"ErrStatus": {config.IPAllowList{SourceRange: []string{"10.0.0.0/8"}, RejectStatusCode: 418}, "11.1.2.3:1", "", 418},
		"OK/Depth": {config.IPAllowList{SourceRange: []string{"10.0.0.0/8"}, IPStrategy: &config.IPStrategy{Depth: 2}}, "9.9.9.9:1",
			"1.1.1.1, 10.0.0.1, 2.2.2.2", 200},
		"ErrDepth": {config.IPAllowList{SourceRange: []string{"0.0.0.0/0"}, IPStrategy: &config.IPStrategy{Depth: 4}}, "9.9.9.9:1", "1.1.1.1",
			403},
		"OK/Excluded": {config.IPAllowList{SourceRange: []string{"10.0.0.0/8"}, IPStrategy: &config.IPStrategy{ExcludedIPs: []string{"2.2.2.2"}}},
			"9.9.9.9:1", "1.1.1.1, 10.0.0.1, 2.2.2.2", 200},
		"ErrExcluded": {config.IPAllowList{SourceRange: []string{"10.0.0.0/8"}, IPStrategy: &config.IPStrategy{ExcludedIPs: []string{"3.3.3.3"}}},
			"9.9.9.9:1", "10.0.0.1, 2.2.2.2", 403},
		"ErrNoAddress": {config.IPAllowList{SourceRange: []string{"10.0.0.0/8"},
			IPStrategy: &config.IPStrategy{ExcludedIPs: []string{"3.3.3.3"}}}, "9.9.9.9:1", "10.0.0.1, 6.6.6.6:5000, 3.3.3.3", 403},
		"OK/EmptyHop": {config.IPAllowList{SourceRange: []string{"10.0.0.0/8"},
			IPStrategy: &config.IPStrategy{ExcludedIPs: []string{"3.3.3.3"}}}, "9.9.9.9:1", "10.0.0.1, , 3.3.3.3", 200},
		"OK/SubnetOfV6": {config.IPAllowList{SourceRange: []string{"2001:db8::"}, IPStrategy: &config.IPStrategy{IPv6Subnet: &subnet}},
			"[2001:db8::7]:1", "", 200},
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

func TestInFlightReqNone(t *testing.T) {
	t.Parallel()
	h := built(t, &config.Middleware{InFlightReq: &config.InFlightReq{}}, middleware.Env{})
	if w := do(h, httptest.NewRequest("GET", "/", nil)); w.Code != 429 {
		t.Errorf("got %d, want 429", w.Code)
	}
}

// An empty criterion is none: the limit is the host's, whoever asks.
func TestInFlightReqEmptyCriterion(t *testing.T) {
	t.Parallel()
	wrap, err := middleware.Build(&config.Middleware{InFlightReq: &config.InFlightReq{Amount: 1,
		SourceCriterion: &config.SourceCriterion{}}}, middleware.Env{})
	if err != nil {
		t.Fatal(err)
	}
	var h http.Handler
	codes := map[string]int{}
	h = wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		for _, host := range []string{"a", "b"} {
			inner := httptest.NewRequest("GET", "/", nil)
			inner.Host, inner.RemoteAddr = host, "192.0.2.9:1"
			if r.Host == "a" {
				codes[host] = do(h, inner).Code
			}
		}
	}))
	r := httptest.NewRequest("GET", "/", nil)
	r.Host = "a"
	do(h, r)
	if codes["a"] != 429 || codes["b"] != 200 {
		t.Errorf("got %v, want 429 for the same host and 200 for another", codes)
	}
}

func TestEncodedCharacters(t *testing.T) {
	t.Parallel()
	h := built(t, &config.Middleware{EncodedCharacters: &config.EncodedCharacters{AllowEncodedSlash: true}}, middleware.Env{})
	for path, want := range map[string]int{"/a": 200, "/a%2fb": 200, "/a%5Cb": 400, "/a%00": 400, "/a%3bb": 400, "/a%25b": 400, "/a%3fb": 400,
		"/a%23": 400, "/a%20b": 200} {
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

func TestHeadersGuard(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		headers config.Headers
		status  int
	}{
		"OK":           {config.Headers{AllowedHosts: []string{"Shop.localhost"}}, 200},
		"ErrHost":      {config.Headers{AllowedHosts: []string{"other.localhost"}}, 500},
		"OK/ProxyHost": {config.Headers{AllowedHosts: []string{"other.localhost"}, HostsProxyHeaders: []string{"X-Host"}}, 200},
		"OK/Develop":   {config.Headers{AllowedHosts: []string{"third.localhost"}, IsDevelopment: true}, 200},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest("GET", "http://shop.localhost/x?y", nil)
			r.Header.Set("X-Host", "other.localhost")
			if w := do(built(t, &config.Middleware{Headers: &tt.headers}, middleware.Env{}), r); w.Code != tt.status {
				t.Errorf("got %d, want %d", w.Code, tt.status)
			}
		})
	}
}
