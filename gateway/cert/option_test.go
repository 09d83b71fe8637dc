package cert_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"strings"
	"sync"
	"testing"

	"axion/gateway/cert"
	"axion/gateway/config"
)

// with opens an authority whose hosts have options of their own: the first label.
func with(t *testing.T, options map[string]*config.TLSOptions, problems ...string) *cert.Authority {
	t.Helper()
	a := open(t, cert.Options{Dir: t.TempDir(), Routed: anyHost})
	wantProblems(t, a.Apply(cert.Settings{TLS: config.TLS{Options: options}, OptionsFor: firstLabel}), problems...)
	return a
}

func firstLabel(_, host string) string {
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
		state, err := shakeAs(t, a, a.QUICConfig(entry), &tls.Config{ServerName: "new.localhost", NextProtos: []string{"h3"}})
		if err != nil || state.NegotiatedProtocol != "h3" {
			t.Errorf("got %q, %v, want h3", state.NegotiatedProtocol, err)
		}
		if _, err := shakeAs(t, a, a.QUICConfig(entry), &tls.Config{ServerName: "old.localhost", MinVersion: tls.VersionTLS13}); err == nil {
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
		{"ErrOrder", config.TLSOptions{MinVersion: "VersionTLS13", MaxVersion: "VersionTLS12"}, "raise maxVersion"},
		{"ErrCipher", config.TLSOptions{CipherSuites: []string{"TLS_AES_128_GCM_SHA265"}}, `did you mean "TLS_AES_128_GCM_SHA256"?`},
		{"ErrCurve", config.TLSOptions{CurvePreferences: []string{"P256"}}, "curvePreferences"},
		{"ErrClientAuth", config.TLSOptions{ClientAuth: config.ClientAuth{ClientAuthType: "RequireAnyClientCrt"}},
			`did you mean "RequireAnyClientCert"?`},
		{"ErrNoCA", config.TLSOptions{ClientAuth: config.ClientAuth{ClientAuthType: "RequireAndVerifyClientCert"}},
			"clientAuth.caFiles: is empty"},
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
		wantProblems(t, a.Apply(cert.Settings{Routers: routers, TLS: config.TLS{Options: map[string]*config.TLSOptions{"modern@file": {}}}}),
			`did you mean "modern@file"?`)
	})
}

// A version that is not known is reported and passed over; the last good one holds on.
func TestUnknownVersions(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		bad, good config.TLSOptions
		want      string
		first     uint16 // what a client of any version gets at first
		refused   uint16 // what is refused at first; 0 for none
		later     uint16 // what it gets after a good value
	}{
		"minVersion": {config.TLSOptions{MinVersion: "VersionTLS1.2"}, config.TLSOptions{MinVersion: "VersionTLS13"},
			`did you mean "VersionTLS12"?`, tls.VersionTLS13, tls.VersionTLS11, tls.VersionTLS13},
		"minVersion of two": {config.TLSOptions{MinVersion: "VersionTLS14"}, config.TLSOptions{MinVersion: "VersionTLS13"},
			`did you mean "VersionTLS13"?`, tls.VersionTLS13, tls.VersionTLS11, tls.VersionTLS13},
		"maxVersion": {config.TLSOptions{MaxVersion: "1.3"}, config.TLSOptions{MaxVersion: "VersionTLS12"},
			"known are [VersionTLS10", tls.VersionTLS13, 0, tls.VersionTLS12},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := &tls.Config{ServerName: "bad.localhost", MinVersion: tls.VersionTLS10}
			version := func(a *cert.Authority, c *tls.Config) uint16 {
				state, err := shake(t, a, c)
				if err != nil {
					return 0
				}
				return state.Version
			}
			a := with(t, map[string]*config.TLSOptions{"bad": &tt.bad}, tt.want)
			if got := version(a, client); got != tt.first {
				t.Errorf("at first: got %x", got)
			}
			if tt.refused != 0 {
				old := client.Clone()
				old.MaxVersion = tt.refused
				if got := version(a, old); got != 0 {
					t.Errorf("an old version: got %x", got)
				}
			}
			settings := cert.Settings{TLS: config.TLS{Options: map[string]*config.TLSOptions{"bad": &tt.good}}, OptionsFor: firstLabel}
			wantProblems(t, a.Apply(settings))
			settings.TLS.Options = map[string]*config.TLSOptions{"bad": &tt.bad}
			for range 2 {
				wantProblems(t, a.Apply(settings), "it stays VersionTLS1")
				if got := version(a, client); got != tt.later {
					t.Errorf("after a bad change: got %x", got)
				}
			}
		})
	}
}

func TestClientAuth(t *testing.T) {
	t.Parallel()
	ca, stranger := newAuthority(t), newAuthority(t)
	verify := func(kind string) *config.TLSOptions {
		return &config.TLSOptions{ClientAuth: config.ClientAuth{CAFiles: []string{ca.pem()}, ClientAuthType: kind}}
	}
	a := with(t, map[string]*config.TLSOptions{
		"request": {ClientAuth: config.ClientAuth{ClientAuthType: "RequestClientCert"}},
		"any":     {ClientAuth: config.ClientAuth{ClientAuthType: "RequireAnyClientCert"}},
		"given":   verify("VerifyClientCertIfGiven"), "require": verify("RequireAndVerifyClientCert"), "ca": verify(""),
		"none": verify("NoClientCert"),
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
	ca, stranger := newAuthority(t), newAuthority(t)
	a := with(t, map[string]*config.TLSOptions{
		"a": {}, "b": {}, "new": {MinVersion: "VersionTLS13"}, "any": {ClientAuth: config.ClientAuth{ClientAuthType: "RequestClientCert"}},
		"mutual": {ClientAuth: config.ClientAuth{CAFiles: []string{ca.pem()}}},
	})
	for _, test := range []struct {
		sni, host string
		client    *authority // whose certificate the client has shown
		want      bool
	}{
		{"a.localhost", "a.localhost", nil, false},
		{"A.localhost", "a.localhost", nil, false},
		{"a.localhost", "a.example", nil, false},
		{"a.localhost", "b.localhost", nil, true},
		{"localhost", "b.localhost", nil, true},
		{"", "::1", nil, false},
		{"", "a.localhost", nil, true},
		{"a.localhost", "", nil, true},
		{"any.localhost", "any.localhost", nil, false},
		{"any.localhost", "any.example", nil, true}, // the same options, which ask for a certificate
		{"mutual.localhost", "mutual.localhost", ca, false},
		{"mutual.localhost", "mutual.example", ca, true},
		{"a.localhost", "mutual.localhost", ca, true},
		{"mutual.localhost", "a.localhost", ca, true},
		{"mutual.localhost", "mutual.localhost", nil, true}, // shaken before the options came
		{"mutual.localhost", "mutual.localhost", stranger, true},
		{"new.localhost", "new.localhost", nil, true}, // TLS 1.2 is not enough any more
		{"\u212Aube.localhost", "kube.localhost", nil, true},
		{"nobody.localhost", "nobody.localhost", nil, true}, // options that do not exist
	} {
		state := &tls.ConnectionState{ServerName: test.sni, Version: tls.VersionTLS12}
		if c := test.client; c != nil {
			state.PeerCertificates = []*x509.Certificate{c.cert}
			state.VerifiedChains = [][]*x509.Certificate{{c.cert}}
		}
		if got := a.Misdirected("websecure", test.host, state); got != test.want {
			t.Errorf("%q for %q: got %v, want %v", test.sni, test.host, got, test.want)
		}
	}
	if a.Misdirected("websecure", "b.localhost", nil) {
		t.Error("plain request: got misdirected")
	}
}

// TestForeignSession has a client show the ticket of one host's options to another.
func TestForeignSession(t *testing.T) {
	t.Parallel()
	ca, other := newAuthority(t), newAuthority(t)
	mutual := func(ca *authority) *config.TLSOptions {
		return &config.TLSOptions{ClientAuth: config.ClientAuth{CAFiles: []string{ca.pem()}, ClientAuthType: "RequireAndVerifyClientCert"}}
	}
	options := map[string]*config.TLSOptions{"plain": {}, "ca": mutual(ca), "other": mutual(other)}
	a := with(t, options)
	server := a.TLSConfig(entry)
	raw, err := a.ConfigFor("ca") // of TCP routers
	if err != nil {
		t.Fatal(err)
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, test := range []struct {
			name, first, second string
			server              *tls.Config
			want                bool
		}{
			{"OK/Same", "ca", "ca", server, true},
			{"OK/SameTCP", "ca", "ca", raw, true},
			{"ErrOther", "ca", "other", server, false},
			{"ErrPlainFirst", "plain", "ca", server, false},
			{"ErrDefaultFirst", "", "plain", server, false},
		} {
			sessions := &oneSession{}
			ask := func(server *tls.Config, label string) bool {
				host := strings.TrimPrefix(label+".localhost", ".")
				state, err := talkAs(t, server, &tls.Config{ServerName: host, MaxVersion: version, Certificates: ca.client(t),
					ClientSessionCache: sessions})
				return err == nil && state.DidResume
			}
			ask(server, test.first)
			if sessions.state == nil {
				t.Errorf("%s, %s: got no ticket", test.name, tls.VersionName(version))
			}
			if got := ask(test.server, test.second); got != test.want {
				t.Errorf("%s, %s: got resumed %v, want %v", test.name, tls.VersionName(version), got, test.want)
			}
		}
	}
	t.Run("ErrChanged", func(t *testing.T) {
		sessions := &oneSession{}
		client := &tls.Config{ServerName: "ca.localhost", Certificates: ca.client(t), ClientSessionCache: sessions}
		if _, err := talkAs(t, server, client); err != nil {
			t.Fatal(err)
		}
		options["ca"] = mutual(other)
		wantProblems(t, a.Apply(cert.Settings{TLS: config.TLS{Options: options}, OptionsFor: firstLabel}))
		if state, err := talkAs(t, server, client); err == nil {
			t.Errorf("after the authority has changed: got a connection, resumed %v", state.DidResume)
		}
	})
}

// oneSession gives the last session whatever the server's name is.
type oneSession struct{ state *tls.ClientSessionState }

func (s *oneSession) Get(string) (*tls.ClientSessionState, bool) { return s.state, s.state != nil }
func (s *oneSession) Put(_ string, state *tls.ClientSessionState) {
	if state != nil {
		s.state = state
	}
}

// talkAs is shakeAs with a byte from the server, so that the client has seen the
// server's word on its certificate, and its ticket.
func talkAs(t *testing.T, server, client *tls.Config) (tls.ConnectionState, error) {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", server)
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		if c, err := l.Accept(); err == nil {
			_, _ = c.Write([]byte{1})
			_ = c.Close()
		}
	})
	defer serving.Wait()
	defer l.Close()
	client.InsecureSkipVerify = true // else it shows no ticket of another host
	c, err := tls.Dial("tcp", l.Addr().String(), client)
	if err != nil {
		return tls.ConnectionState{}, err
	}
	defer c.Close()
	_, err = io.ReadFull(c, make([]byte, 1))
	return c.ConnectionState(), err
}

func TestSessions(t *testing.T) {
	t.Parallel()
	a := with(t, map[string]*config.TLSOptions{"on": {}, "off": {DisableSessionTickets: true}})
	server := a.TLSConfig(entry)
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
