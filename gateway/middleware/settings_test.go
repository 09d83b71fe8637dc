package middleware_test

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
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

// Each part of a certificate is told by itself.
func TestPassTLSClientCertParts(t *testing.T) {
	t.Parallel()
	name := func(of string) pkix.Name {
		attribute := func(value string, oid ...int) pkix.AttributeTypeAndValue {
			return pkix.AttributeTypeAndValue{Type: oid, Value: of + value}
		}
		return pkix.Name{Names: []pkix.AttributeTypeAndValue{attribute("c", 2, 5, 4, 6), attribute("st", 2, 5, 4, 8), attribute("l", 2, 5, 4, 7), attribute("o", 2, 5, 4, 10),
			attribute("ou", 2, 5, 4, 11), attribute("cn", 2, 5, 4, 3), attribute("sn", 2, 5, 4, 5), attribute("dc", 0, 9, 2342, 19200300, 100, 1, 25)}}
	}
	cert := &x509.Certificate{Raw: []byte("der"), SerialNumber: big.NewInt(7), NotBefore: time.Unix(100, 0), NotAfter: time.Unix(200, 0), DNSNames: []string{"a.b"},
		Subject: name("s"), Issuer: name("i")}
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
	for want, c := range map[string]config.CertName{"C=%sc": {Country: true}, "ST=%sst": {Province: true}, "L=%sl": {Locality: true}, "O=%so": {Organization: true},
		"OU=%sou": {OrganizationalUnit: true}, "CN=%scn": {CommonName: true}, "SN=%ssn": {SerialNumber: true}, "DC=%sdc": {DomainComponent: true}} {
		subject, issuer := tell(config.ClientCertInfo{Subject: &c}), tell(config.ClientCertInfo{Issuer: &c})
		if want := `Subject="` + strings.ReplaceAll(want, "%s", "s") + `"`; subject != want {
			t.Errorf("got %q, want %q", subject, want)
		}
		if want := `Issuer="` + strings.ReplaceAll(want, "%s", "i") + `"`; issuer != want {
			t.Errorf("got %q, want %q", issuer, want)
		}
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
		{"Strict-Transport-Security", "max-age=9; includeSubDomains; preload", config.Headers{STSSeconds: 9, STSIncludeSubdomains: true, STSPreload: true, ForceSTSHeader: true}},
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
		h := built(t, &config.Middleware{ForwardAuth: &config.ForwardAuth{Address: auth.URL, PreserveLocationHeader: preserve}}, middleware.Env{Context: t.Context()})
		if w := do(h, httptest.NewRequest("GET", "/", nil)); w.Code != http.StatusFound || w.Header().Get("Location") != want {
			t.Errorf("preserveLocationHeader %t: got %d %q, want %q", preserve, w.Code, w.Header().Get("Location"), want)
		}
	}
}
