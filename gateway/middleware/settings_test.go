package middleware_test

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"axion/gateway/config"
	"axion/gateway/middleware"
)

// Each escape has a switch of its own.
func TestEncodedCharactersApart(t *testing.T) {
	t.Parallel()
	escapes := []string{"%2F", "%5C", "%00", "%3B", "%25", "%3F", "%23"}
	for i, c := range []config.EncodedCharacters{{AllowEncodedSlash: true}, {AllowEncodedBackSlash: true}, {AllowEncodedNullCharacter: true},
		{AllowEncodedSemicolon: true}, {AllowEncodedPercent: true}, {AllowEncodedQuestionMark: true}, {AllowEncodedHash: true}} {
		h := built(t, &config.Middleware{EncodedCharacters: &c}, middleware.Env{})
		for k, escape := range escapes {
			want := http.StatusBadRequest
			if k == i {
				want = http.StatusOK
			}
			if w := do(h, httptest.NewRequest("GET", "/a"+escape+"b", nil)); w.Code != want {
				t.Errorf("%+v: %s: got %d, want %d", c, escape, w.Code, want)
			}
		}
	}
}

// Each part of a certificate is sent by itself.
func TestPassTLSClientCertParts(t *testing.T) {
	t.Parallel()
	name := func(of string) pkix.Name {
		attribute := func(value string, oid ...int) pkix.AttributeTypeAndValue {
			return pkix.AttributeTypeAndValue{Type: oid, Value: of + value}
		}
		return pkix.Name{Names: []pkix.AttributeTypeAndValue{attribute("c", 2, 5, 4, 6), attribute("st", 2, 5, 4, 8), attribute("l", 2, 5, 4,
			7), attribute("o", 2, 5, 4, 10),
			attribute("ou", 2, 5, 4, 11), attribute("cn", 2, 5, 4, 3), attribute("sn", 2, 5, 4, 5), attribute("dc", 0, 9, 2342, 19200300, 100, 1,
				25),
			attribute("uid", 0, 9, 2342, 19200300, 100, 1, 1)}}
	}
	cert := &x509.Certificate{Raw: []byte("der"), SerialNumber: big.NewInt(7), NotBefore: time.Unix(100, 0), NotAfter: time.Unix(200, 0),
		DNSNames: []string{"a.b"},
		Subject:  name("s"), Issuer: name("i")}
	tell := func(c config.ClientCertInfo) string {
		h := built(t, &config.Middleware{PassTLSClientCert: &config.PassTLSClientCert{Info: &c}}, middleware.Env{})
		r := httptest.NewRequest("GET", "/", nil)
		r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{cert}}
		_, line, _ := strings.Cut(do(h, r).Body.String(), "X-Forwarded-Tls-Client-Cert-Info=")
		line, _, _ = strings.Cut(line, "\n")
		text, err := url.QueryUnescape(line)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	for want, c := range map[string]config.ClientCertInfo{
		`NA="200"`: {NotAfter: true}, `NB="100"`: {NotBefore: true}, `SAN="a.b"`: {Sans: true}, `SerialNumber="7"`: {SerialNumber: true},
	} {
		if got := tell(c); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got := tell(config.ClientCertInfo{Subject: &config.CertName{UID: true}}); got != `Subject="UID=suid"` {
		t.Errorf("got %q", got)
	}
	for want, c := range map[string]config.CertName{"C=%sc": {Country: true}, "ST=%sst": {Province: true}, "L=%sl": {Locality: true},
		"O=%so":   {Organization: true},
		"OU=%sou": {OrganizationalUnit: true}, "CN=%scn": {CommonName: true}, "SN=%ssn": {SerialNumber: true},
		"DC=%sdc": {DomainComponent: true}} {
		subject, issuer := tell(config.ClientCertInfo{Subject: &c}), tell(config.ClientCertInfo{Issuer: &c})
		if want := `Subject="` + strings.ReplaceAll(want, "%s", "s") + `"`; subject != want {
			t.Errorf("got %q, want %q", subject, want)
		}
		if want := `Issuer="` + strings.ReplaceAll(want, "%s", "i") + `"`; issuer != want {
			t.Errorf("got %q, want %q", issuer, want)
		}
	}
}

// What no header can be is refused: the service would read another request.
func TestHeaderNames(t *testing.T) {
	t.Parallel()
	custom := func(name, value string) config.Middleware {
		return config.Middleware{Headers: &config.Headers{CustomRequestHeaders: map[string]string{name: value}}}
	}
	users := []string{"a:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g="}
	for _, tt := range []struct {
		name   string
		config config.Middleware
		want   string // of the error; empty for none
	}{
		{"OK", custom("X-A", "a b\tc"), ""},
		{"OKRemoved", custom("X-A", ""), ""},
		{"ErrName", custom("X A", "a"), `customrequestheaders: "X A" is not the name of a header`},
		{"ErrNameColon", custom("X:", "a"), `"X:" is not the name`},
		{"ErrValue", custom("X-A", "a\r\nX-B: b"), "customrequestheaders.X-A: the value has a line break"},
		{"ErrBasic", config.Middleware{BasicAuth: &config.BasicAuth{Users: users, HeaderField: "X User"}}, "basicauth.headerfield"},
		{"ErrDigest", config.Middleware{DigestAuth: &config.DigestAuth{Users: []string{"a:traefik:" + strings.Repeat("0", 32)},
			HeaderField: "X\nUser"}}, "digestauth.headerfield"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := middleware.Build(&tt.config, middleware.Env{})
			if got := fmt.Sprint(err); (err == nil) != (tt.want == "") || !strings.Contains(got, tt.want) {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// The security headers of answers, each by itself.
func TestSecurityHeaders(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, value string
		config      config.Headers
	}{
		{"Content-Security-Policy", "a", config.Headers{ContentSecurityPolicy: "a"}},
		{"Content-Security-Policy-Report-Only", "a", config.Headers{ContentSecurityPolicyReportOnly: "a"}},
		{"X-Content-Type-Options", "nosniff", config.Headers{ContentTypeNosniff: true}},
		{"X-Frame-Options", "DENY", config.Headers{FrameDeny: true}},
		{"X-Frame-Options", "SAMEORIGIN", config.Headers{CustomFrameOptionsValue: "SAMEORIGIN"}},
		{"X-Xss-Protection", "1; mode=block", config.Headers{BrowserXSSFilter: true}},
		{"X-Xss-Protection", "0", config.Headers{CustomBrowserXSSValue: "0"}},
		{"Referrer-Policy", "same-origin", config.Headers{ReferrerPolicy: "same-origin"}},
		{"Permissions-Policy", "camera=()", config.Headers{PermissionsPolicy: "camera=()"}},
		{"Strict-Transport-Security", "max-age=9; includeSubDomains; preload", config.Headers{STSSeconds: 9, STSIncludeSubdomains: true,
			STSPreload: true, ForceSTSHeader: true}},
		{"Strict-Transport-Security", "max-age=9", config.Headers{STSSeconds: 9, SSLProxyHeaders: map[string]string{"X-Proto": "https"}}},
		{"Strict-Transport-Security", "", config.Headers{STSSeconds: 9}}, // without TLS
	} {
		h := build(t, config.Middleware{Headers: &tt.config}, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "x") })
		r := httptest.NewRequest("GET", "http://a/", nil)
		r.Header.Set("X-Proto", "https")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if got := w.Result().Header.Get(tt.name); got != tt.value {
			t.Errorf("%s of %+v: got %q, want %q", tt.name, tt.config, got, tt.value)
		}
	}
}

func TestForwardAuthLocation(t *testing.T) {
	t.Parallel()
	auth := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "/login?a=b")
		w.WriteHeader(http.StatusFound)
	}))
	for preserve, want := range map[bool]string{false: auth.URL + "/login?a=b", true: "/login?a=b"} {
		h := built(t, &config.Middleware{ForwardAuth: &config.ForwardAuth{Address: auth.URL, PreserveLocationHeader: preserve}},
			middleware.Env{Context: t.Context()})
		if w := do(h, httptest.NewRequest("GET", "/", nil)); w.Code != http.StatusFound || w.Header().Get("Location") != want {
			t.Errorf("preserveLocationHeader %t: got %d %q, want %q", preserve, w.Code, w.Header().Get("Location"), want)
		}
	}
}

func TestDigestAuthSettings(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "users")
	if err := os.WriteFile(file, []byte("ann:traefik:"+md5hex("ann:traefik:secret")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		config config.DigestAuth
		want   string // what the service sees of X-User and Authorization
	}{
		"OKUsersFile":    {config.DigestAuth{UsersFile: file}, "X-User=\nAuthorization=Digest"},
		"OKHeaderField":  {config.DigestAuth{UsersFile: file, HeaderField: "X-User"}, "X-User=ann\nAuthorization=Digest"},
		"OKRemoveHeader": {config.DigestAuth{UsersFile: file, RemoveHeader: true}, "X-User=\nAuthorization=\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newClient(t, built(t, &config.Middleware{DigestAuth: &tt.config}, middleware.Env{}))
			if w := c.ask("ann", "secret", "/x?y=z", "00000001"); w.Code != 200 || !strings.HasPrefix(w.Body.String(), tt.want) {
				t.Errorf("got %d %q, want %q", w.Code, w.Body, tt.want)
			}
		})
	}
	w := do(built(t, &config.Middleware{DigestAuth: &config.DigestAuth{Users: []string{"ann:mine:" + md5hex("ann:mine:secret")},
		Realm: "mine"}}, middleware.Env{}), httptest.NewRequest("GET", "/", nil))
	if challenge := w.Header().Get("Www-Authenticate"); w.Code != 401 || !strings.Contains(challenge, `realm="mine"`) {
		t.Errorf("got %d %q, want the realm", w.Code, challenge)
	}
}

// Two requests of one source are more than one at a time, and than one an hour.
func TestSourceCriterion(t *testing.T) {
	t.Parallel()
	subnet := 64
	from := func(peer, forwarded, host, header string) func(*http.Request) {
		return func(r *http.Request) {
			r.RemoteAddr, r.Host = peer, host
			r.Header.Set("X-Forwarded-For", forwarded)
			r.Header.Set("X-Who", header)
		}
	}
	strategy := func(s config.IPStrategy) *config.SourceCriterion { return &config.SourceCriterion{IPStrategy: &s} }
	for name, tt := range map[string]struct {
		criterion   *config.SourceCriterion
		first       func(*http.Request)
		same, other func(*http.Request)
	}{
		"ipStrategy": {strategy(config.IPStrategy{}), from("10.0.0.1:1", "1.1.1.1", "a", ""), from("10.0.0.1:2", "2.2.2.2", "b", ""),
			from("10.0.0.2:1", "1.1.1.1", "a", "")},
		"depth": {strategy(config.IPStrategy{Depth: 2}), from("10.0.0.1:1", "1.1.1.1, 9.9.9.9", "a", ""), from("10.0.0.2:1", "1.1.1.1, 8.8.8.8",
			"a", ""),
			from("10.0.0.1:1", "2.2.2.2, 9.9.9.9", "a", "")},
		"excludedIPs": {strategy(config.IPStrategy{ExcludedIPs: []string{"9.9.9.9"}}), from("10.0.0.1:1", "1.1.1.1, 9.9.9.9", "a", ""),
			from("10.0.0.2:1", "1.1.1.1", "a", ""), from("10.0.0.1:1", "2.2.2.2, 9.9.9.9", "a", "")},
		"ipv6Subnet": {strategy(config.IPStrategy{IPv6Subnet: &subnet}), from("[2001:db8::1]:1", "", "a", ""), from("[2001:db8::2]:1", "", "a",
			""),
			from("[2001:db8:0:1::1]:1", "", "a", "")},
		"requestHeaderName": {&config.SourceCriterion{RequestHeaderName: "X-Who"}, from("10.0.0.1:1", "", "a", "ann"), from("10.0.0.2:1", "",
			"b", "ann"), from("10.0.0.1:1", "", "a", "bob")},
		"requestHost": {&config.SourceCriterion{RequestHost: true}, from("10.0.0.1:1", "", "a", ""), from("10.0.0.2:1", "", "a", ""),
			from("10.0.0.1:1", "", "b", "")},
	} {
		request := func(edit func(*http.Request)) *http.Request {
			r := httptest.NewRequest("GET", "http://a/", nil)
			edit(r)
			return r
		}
		t.Run("rateLimit/"+name, func(t *testing.T) {
			t.Parallel()
			h := built(t, &config.Middleware{RateLimit: &config.RateLimit{Average: 1, Burst: 1, Period: config.Duration(time.Hour),
				SourceCriterion: tt.criterion}}, middleware.Env{})
			if a, b, c := do(h, request(tt.first)).Code, do(h, request(tt.same)).Code, do(h, request(tt.other)).Code; a != 200 || b != 429 ||
				c != 200 {
				t.Errorf("got %d, %d for the same source and %d for another, want 200, 429 and 200", a, b, c)
			}
		})
		t.Run("inFlightReq/"+name, func(t *testing.T) {
			t.Parallel()
			wrap, err := middleware.Build(&config.Middleware{InFlightReq: &config.InFlightReq{Amount: 1, SourceCriterion: tt.criterion}},
				middleware.Env{})
			if err != nil {
				t.Fatal(err)
			}
			var h http.Handler
			var same, other int
			h = wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/first" {
					same, other = do(h, request(tt.same)).Code, do(h, request(tt.other)).Code
				}
			}))
			first := request(tt.first)
			first.URL.Path = "/first"
			if do(h, first); same != 429 || other != 200 {
				t.Errorf("meanwhile: got %d for the same source and %d for another, want 429 and 200", same, other)
			}
		})
	}
}

// The former name of ipAllowList does the same.
func TestIPWhiteList(t *testing.T) {
	t.Parallel()
	subnet := 64
	for _, tt := range []struct {
		list            config.IPAllowList
		peer, forwarded string
		want            int
	}{
		{config.IPAllowList{SourceRange: []string{"10.0.0.0/8"}}, "10.1.2.3:1", "", 200},
		{config.IPAllowList{SourceRange: []string{"10.0.0.0/8"}}, "11.1.2.3:1", "10.1.1.1", 403},
		{config.IPAllowList{SourceRange: []string{"10.0.0.0/8"}, IPStrategy: &config.IPStrategy{Depth: 1}}, "11.1.2.3:1", "10.1.1.1", 200},
		{config.IPAllowList{SourceRange: []string{"10.0.0.0/8"}, IPStrategy: &config.IPStrategy{ExcludedIPs: []string{"2.2.2.2"}}},
			"11.1.2.3:1", "10.1.1.1, 2.2.2.2", 200},
		{config.IPAllowList{SourceRange: []string{"2001:db8::"}, IPStrategy: &config.IPStrategy{IPv6Subnet: &subnet}}, "[2001:db8::7]:1", "",
			200},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = tt.peer
		r.Header.Set("X-Forwarded-For", tt.forwarded)
		if w := do(built(t, &config.Middleware{IPWhiteList: &tt.list}, middleware.Env{}), r); w.Code != tt.want {
			t.Errorf("%+v: got %d, want %d", tt, w.Code, tt.want)
		}
	}
}

func TestForwardAuthTLS(t *testing.T) {
	t.Parallel()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.TLS.PeerCertificates) == 0 {
			w.WriteHeader(http.StatusForbidden)
		}
	}))
	s.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	root := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}))
	secret, err := x509.MarshalPKCS8PrivateKey(s.TLS.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	key := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}))
	for name, tt := range map[string]struct {
		tls  *config.ClientTLS
		want int
	}{
		"OKCertAndKey":         {&config.ClientTLS{CA: root, Cert: root, Key: key}, 200},
		"OKCA":                 {&config.ClientTLS{CA: root}, 403}, // it is believed, and refuses
		"OKInsecureSkipVerify": {&config.ClientTLS{InsecureSkipVerify: true}, 403},
		"ErrUnknownAuthority":  {nil, 500},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := built(t, &config.Middleware{ForwardAuth: &config.ForwardAuth{Address: s.URL, TLS: tt.tls}}, middleware.Env{Context: t.Context()})
			if w := do(h, httptest.NewRequest("GET", "/", nil)); w.Code != tt.want {
				t.Errorf("got %d, want %d", w.Code, tt.want)
			}
		})
	}
}

func TestForwardAuthResponseHeadersRegex(t *testing.T) {
	t.Parallel()
	auth := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-User", "ann")
		w.Header().Set("Y-User", "eve")
	}))
	h := built(t, &config.Middleware{ForwardAuth: &config.ForwardAuth{Address: auth.URL, AuthResponseHeadersRegex: "^X-U"}},
		middleware.Env{Context: t.Context()})
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("X-User", "forged")
	if w := do(h, r); w.Code != 200 || !strings.HasPrefix(w.Body.String(), "X-User=ann\n") {
		t.Errorf("got %d %q", w.Code, w.Body)
	}
}
