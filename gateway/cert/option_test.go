package cert_test

import (
	"crypto/tls"
	"net/http"
	"strings"
	"testing"

	"axion/gateway/cert"
	"axion/gateway/config"
)

// with opens an authority whose hosts have options of their own: the first label.
func with(t *testing.T, options map[string]*config.TLSOptions, problems ...string) *cert.Authority {
	t.Helper()
	a := open(t, cert.Options{Dir: t.TempDir(), Allow: anyHost})
	wantProblems(t, a.Apply(cert.Settings{TLS: config.TLS{Options: options}, OptionsFor: firstLabel}), problems...)
	return a
}

func firstLabel(host string) string {
	label, _, ok := strings.Cut(host, ".")
	if !ok {
		return ""
	}
	return label
}

func TestOptions(t *testing.T) {
	t.Parallel()
	a := with(t, map[string]*config.TLSOptions{
		"new":      {MinVersion: "VersionTLS13"},
		"old":      {MaxVersion: "VersionTLS12", CipherSuites: []string{"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305"}},
		"curve":    {CurvePreferences: []string{"secp384r1"}},
		"protocol": {ALPNProtocols: []string{"http/1.1"}},
		"default":  {MinVersion: "VersionTLS11"},
	})
	t.Run("OK/MinVersion", func(t *testing.T) {
		t.Parallel()
		if _, err := shake(t, a, &tls.Config{ServerName: "new.localhost", MaxVersion: tls.VersionTLS12}); err == nil {
			t.Error("TLS 1.2: got no error")
		}
	})
	t.Run("OK/MaxVersion", func(t *testing.T) {
		t.Parallel()
		state, err := shake(t, a, &tls.Config{ServerName: "old.localhost"})
		if err != nil {
			t.Fatal(err)
		}
		if state.Version != tls.VersionTLS12 || state.CipherSuite != tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256 {
			t.Errorf("got %s with %s", tls.VersionName(state.Version), tls.CipherSuiteName(state.CipherSuite))
		}
	})
	t.Run("OK/Curve", func(t *testing.T) {
		t.Parallel()
		state, err := shake(t, a, &tls.Config{ServerName: "curve.localhost"})
		if err != nil || state.CurveID != tls.CurveP384 {
			t.Errorf("got %v, %v, want P-384", state.CurveID, err)
		}
	})
	t.Run("OK/Protocol", func(t *testing.T) {
		t.Parallel()
		state, err := shake(t, a, &tls.Config{ServerName: "protocol.localhost", NextProtos: []string{"h2", "http/1.1"}})
		if err != nil || state.NegotiatedProtocol != "http/1.1" {
			t.Errorf("got %q, %v, want http/1.1", state.NegotiatedProtocol, err)
		}
	})
	t.Run("OK/Default", func(t *testing.T) {
		t.Parallel()
		state, err := shake(t, a, &tls.Config{ServerName: "localhost", MinVersion: tls.VersionTLS11, MaxVersion: tls.VersionTLS11})
		if err != nil || state.Version != tls.VersionTLS11 {
			t.Errorf("got %s, %v, want TLS 1.1", tls.VersionName(state.Version), err)
		}
	})
	t.Run("ErrUnknown", func(t *testing.T) {
		t.Parallel()
		if _, err := shake(t, a, &tls.Config{ServerName: "nobody.localhost"}); err == nil || !strings.Contains(err.Error(), "unrecognized name") {
			t.Errorf("options that do not exist: got %v, want a refusal", err)
		}
	})
	t.Run("OK/QUIC", func(t *testing.T) {
		t.Parallel()
		state, err := shakeAs(t, a, a.QUICConfig(), &tls.Config{ServerName: "new.localhost", NextProtos: []string{"h3"}})
		if err != nil || state.NegotiatedProtocol != "h3" {
			t.Errorf("got %q, %v, want h3", state.NegotiatedProtocol, err)
		}
		if _, err := shakeAs(t, a, a.QUICConfig(), &tls.Config{ServerName: "old.localhost", MinVersion: tls.VersionTLS13}); err == nil {
			t.Error("options that end below TLS 1.3: got a handshake")
		}
	})
}

func TestBadOptions(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		give config.TLSOptions
		want string
	}{
		{"ErrMinVersion", config.TLSOptions{MinVersion: "VersionTLS1.2"}, `did you mean "VersionTLS12"?`},
		{"ErrMaxVersion", config.TLSOptions{MaxVersion: "1.3"}, "known are [VersionTLS10"},
		{"ErrOrder", config.TLSOptions{MinVersion: "VersionTLS13", MaxVersion: "VersionTLS12"}, "raise maxVersion"},
		{"ErrCipher", config.TLSOptions{CipherSuites: []string{"TLS_AES_128_GCM_SHA265"}}, `did you mean "TLS_AES_128_GCM_SHA256"?`},
		{"ErrCurve", config.TLSOptions{CurvePreferences: []string{"P256"}}, "curvePreferences"},
		{"ErrClientAuth", config.TLSOptions{ClientAuth: config.ClientAuth{ClientAuthType: "RequireAnyClientCrt"}}, `did you mean "RequireAnyClientCert"?`},
		{"ErrNoCA", config.TLSOptions{ClientAuth: config.ClientAuth{ClientAuthType: "RequireAndVerifyClientCert"}}, "clientAuth.caFiles: is empty"},
		{"ErrCAFile", config.TLSOptions{ClientAuth: config.ClientAuth{CAFiles: []string{"/no/such/ca"}}}, "/no/such/ca"},
		{"ErrCAText", config.TLSOptions{ClientAuth: config.ClientAuth{CAFiles: []string{"-----BEGIN NOTHING"}}}, "holds no certificate"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			a := with(t, map[string]*config.TLSOptions{"bad": &test.give}, test.want)
			if _, err := shake(t, a, &tls.Config{ServerName: "bad.localhost"}); err == nil {
				t.Error("handshake with bad options: got no error, want a refusal")
			}
			good := &config.TLSOptions{MinVersion: "VersionTLS13"}
			settings := cert.Settings{TLS: config.TLS{Options: map[string]*config.TLSOptions{"bad": good}}, OptionsFor: firstLabel}
			wantProblems(t, a.Apply(settings))
			settings.TLS.Options = map[string]*config.TLSOptions{"bad": &test.give}
			wantProblems(t, a.Apply(settings), "they stay as they were")
			if state, err := shake(t, a, &tls.Config{ServerName: "bad.localhost"}); err != nil || state.Version != tls.VersionTLS13 {
				t.Errorf("after a bad change: got %v, want the last good options", err)
			}
		})
	}
	t.Run("ErrRouter", func(t *testing.T) {
		t.Parallel()
		a := open(t, cert.Options{Dir: t.TempDir()})
		routers := []cert.Router{{Name: "shop@docker", TLS: &config.RouterTLS{Options: "modrn@file"}}}
		wantProblems(t, a.Apply(cert.Settings{Routers: routers, TLS: config.TLS{Options: map[string]*config.TLSOptions{"modern@file": {}}}}), `did you mean "modern@file"?`)
	})
}

func TestClientAuth(t *testing.T) {
	t.Parallel()
	ca, stranger := newAuthority(t), newAuthority(t)
	verify := func(kind string) *config.TLSOptions {
		return &config.TLSOptions{ClientAuth: config.ClientAuth{CAFiles: []string{ca.pem()}, ClientAuthType: kind}}
	}
	a := with(t, map[string]*config.TLSOptions{
		"request": {ClientAuth: config.ClientAuth{ClientAuthType: "RequestClientCert"}}, "any": {ClientAuth: config.ClientAuth{ClientAuthType: "RequireAnyClientCert"}},
		"given": verify("VerifyClientCertIfGiven"), "require": verify("RequireAndVerifyClientCert"), "ca": verify(""), "none": verify("NoClientCert"),
	})
	const none, foreign, known = 0, 1, 2
	clients := [][]tls.Certificate{nil, stranger.client(t), ca.client(t)}
	for host, want := range map[string][3]bool{
		"request": {true, true, true}, "any": {false, true, true}, "given": {true, false, true},
		"require": {false, false, true}, "ca": {false, false, true}, "none": {true, true, true},
	} {
		for _, who := range []int{none, foreign, known} {
			// TLS 1.2, as in 1.3 the client is done before its certificate is refused.
			config := &tls.Config{ServerName: host + ".localhost", MaxVersion: tls.VersionTLS12}
			config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
				if who == none {
					return &tls.Certificate{}, nil
				}
				return &clients[who][0], nil
			}
			if _, err := shake(t, a, config); (err == nil) != want[who] {
				t.Errorf("%s, client %d: got %v, want success %v", host, who, err, want[who])
			}
		}
	}
}

func TestMisdirected(t *testing.T) {
	t.Parallel()
	a := with(t, map[string]*config.TLSOptions{"a": {}, "b": {}})
	for _, test := range []struct {
		sni, host string
		want      bool
	}{
		{"a.localhost", "a.localhost", false},
		{"a.localhost", "A.localhost.:8443", false},
		{"a.localhost", "a.example", false},
		{"a.localhost", "b.localhost", true},
		{"localhost", "b.localhost:8443", true},
		{"", "[::1]:8443", false},
	} {
		r := &http.Request{Host: test.host, TLS: &tls.ConnectionState{ServerName: test.sni}}
		if got := a.Misdirected(r); got != test.want {
			t.Errorf("%q for %q: got %v, want %v", test.sni, test.host, got, test.want)
		}
	}
	if a.Misdirected(&http.Request{Host: "b.localhost"}) {
		t.Error("plain request: got misdirected")
	}
}

func TestSessions(t *testing.T) {
	t.Parallel()
	a := with(t, map[string]*config.TLSOptions{"on": {}, "off": {DisableSessionTickets: true}})
	server := a.TLSConfig()
	for host, want := range map[string]bool{"localhost": true, "on.localhost": true, "off.localhost": false} {
		config := &tls.Config{ServerName: host, MaxVersion: tls.VersionTLS12, ClientSessionCache: tls.NewLRUClientSessionCache(1)}
		for _, again := range []bool{false, true} {
			state, err := shakeAs(t, a, server, config)
			if err != nil {
				t.Fatal(err)
			}
			if got := state.DidResume; got != (want && again) {
				t.Errorf("%s, again %v: got resumed %v", host, again, got)
			}
		}
	}
}
