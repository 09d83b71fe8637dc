package gateway_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/quic-go/quic-go/http3"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"axion/gateway"
	"axion/gateway/explain"
)

// guarded is a gateway with a dynamic file beside its compose file.
type guarded struct {
	*stack
	dynamic string
}

// guard starts one.
func guard(t *testing.T, compose, dynamic string) *guarded {
	t.Helper()
	dir := t.TempDir()
	s := &guarded{&stack{t: t, file: filepath.Join(dir, "compose.yaml")}, filepath.Join(dir, "dynamic.yaml")}
	s.save(compose)
	write(t, s.dynamic, dynamic)
	plain, secure := port0(t), port0(t)
	g, err := gateway.New(gateway.Options{
		Web: plain, WebSecure: secure, Files: []string{s.file, s.dynamic}, FreePorts: true, Dashboard: "http://127.0.0.1:8900",
		CADir: filepath.Join(dir, "ca"), StateDir: filepath.Join(dir, "state"),
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Gateway, s.API, s.http, s.secure = g, g.API(), plain.Addr().String(), secure.Addr().String()
	g.SetWait(time.Millisecond)
	g.Start()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_ = g.Close(ctx)
	})
	return s
}

// identity is a client's certificate, and its authority as a PEM text.
func identity(t *testing.T) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "client"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour),
		IsCA:     true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE",
		Bytes: der}))
}

// mutual are TLS options that ask for a certificate of the authority.
func mutual(ca string) string {
	return "tls:\n  options:\n    mutual:\n      clientAuth:\n        clientAuthType: RequireAndVerifyClientCert\n        caFiles:\n" +
		"          - |\n            " +
		strings.ReplaceAll(strings.TrimSpace(ca), "\n", "\n            ") + "\n    other: {maxVersion: VersionTLS13}\n"
}

// ask sends a request as it is over a connection for sni, and gives the status.
func (s *guarded) ask(sni, request string, own ...tls.Certificate) int {
	s.t.Helper()
	c, err := tls.Dial("tcp", s.secure, &tls.Config{ServerName: sni, InsecureSkipVerify: true, Certificates: own})
	if err != nil {
		s.t.Fatalf("%q: %v", sni, err)
	}
	defer c.Close()
	_ = c.SetDeadline(deadline())
	if _, err := io.WriteString(c, request); err != nil {
		s.t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return 0 // the handshake was refused
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

// TestHostOfAnotherHandshake has clients without a certificate ask for a host that
// wants one, over connections for others, in all ways to spell it.
func TestHostOfAnotherHandshake(t *testing.T) {
	t.Parallel()
	own, ca := identity(t)
	labels := route("public", "Host(`public.localhost`)", upstream(t, "public"), "tls=true")
	labels = append(labels, route("secure", "Host(`secure.localhost`)", upstream(t, "secure"), "tls.options=mutual@file")...)
	labels = append(labels, route("second", "Host(`second.localhost`)", upstream(t, "second"), "tls.options=mutual@file")...)
	labels = append(labels, route("other", "Host(`other.localhost`)", upstream(t, "other"), "tls.options=other@file")...)
	labels = append(labels, route("expr", "HostRegexp(`^e[0-9]\\.localhost$`)", upstream(t, "expr"), "tls.options=mutual@file")...)
	labels = append(labels, route("or", "Host(`or.localhost`) || PathPrefix(`/or`)", upstream(t, "or"), "tls.options=mutual@file")...)
	labels = append(labels, route("admin", "HostRegexp(`^(public|secure)[.]`) && Path(`/admin`)", upstream(t, "admin"),
		"tls.options=mutual@file", "priority=900")...)
	labels = append(labels, route("all", "PathPrefix(`/`)", upstream(t, "all"), "tls=true", "priority=1")...)
	s := guard(t, strings.ReplaceAll(compose(labels...), "$", "$$"), mutual(ca))
	if problems := s.Problems(); len(problems) > 0 {
		t.Fatalf("problems: %v", problems)
	}
	for _, test := range []struct {
		sni, host string
		want      int
	}{
		{"public.localhost", "public.localhost", 200}, {"public.localhost", "PUBLIC.localhost.:8443", 200},
		{"public.localhost", "second.example", 200}, {"", "public.localhost", 200}, {"public.localhost", "[::1]:443", 200},
		{"public.localhost", "%73ecure.localhost", 200}, // another name, which the catch-all takes
		{"public.localhost", "secure.localhost", 421}, {"public.localhost", "SECURE.localhost", 421}, {"public.localhost", "secure.localhost.",
			421},
		{"public.localhost", "secure.localhost:443", 421}, {"public.localhost", "Secure.LocalHost.:1", 421}, {"public.localhost",
			"secure.localhost:", 421},
		{"public.localhost", "e7.localhost", 421}, {"public.localhost", "E7.localhost.:9", 421}, {"public.localhost", "other.localhost", 421},
		{"other.localhost", "public.localhost", 421}, {"", "secure.localhost", 421}, {"127.0.0.1", "secure.localhost", 421},
		{"nobody.localhost", "secure.localhost", 421},
		{"public.localhost", "[secure.localhost]", 400}, {"public.localhost", "[secure.localhost]x", 400}, {"public.localhost",
			"[secure.localhost].", 400},
		{"public.localhost", "[secure.localhost]x:1", 400}, {"public.localhost", "[secure.localhost", 400}, {"public.localhost",
			"secure.localhost]", 400},
		{"public.localhost", "secure.localhost:x", 400}, {"public.localhost", "secure.localhost:1:2", 400}, {"public.localhost", "[::1]x", 400},
		{"public.localhost", "secure.localhost..", 400}, {"public.localhost", ".secure.localhost", 400}, {"public.localhost",
			"secur\u00e9.localhost", 400},
		{"secure.localhost", "secure.localhost", 0}, {"SECURE.localhost", "public.localhost", 0}, {"e3.localhost", "e3.localhost", 0},
	} {
		request := "GET / HTTP/1.1\r\nHost: " + test.host + "\r\nConnection: close\r\n\r\n"
		want(t, fmt.Sprintf("%q over %q", test.host, test.sni), s.ask(test.sni, request), test.want)
	}
	want(t, "absolute form", s.ask("public.localhost", "GET https://secure.localhost/ HTTP/1.1\r\nHost: public.localhost\r\n\r\n"), 421)
	want(t, "absolute form with a user", s.ask("public.localhost",
		"GET https://public.localhost@secure.localhost:443/ HTTP/1.1\r\nHost: public.localhost\r\n\r\n"), 421)
	want(t, "HTTP/1.0", s.ask("public.localhost", "GET / HTTP/1.0\r\nHost: secure.localhost\r\n\r\n"), 421)
	want(t, "HTTP/1.0 without a host", s.ask("secure.localhost", "GET / HTTP/1.0\r\n\r\n", own), 421)
	get := func(host string) string { return "GET / HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n" }
	want(t, "a router of another host", s.ask("public.localhost", "GET /or HTTP/1.1\r\nHost: public.localhost\r\n\r\n"), 421)
	want(t, "a router of any host", s.ask("public.localhost", "GET /admin HTTP/1.1\r\nHost: public.localhost\r\n\r\n"), 421)
	want(t, "a router of any host, with a certificate", s.ask("secure.localhost", "GET /admin HTTP/1.1\r\nHost: secure.localhost\r\n\r\n",
		own), 200)
	for _, path := range []string{"/or", "/admin"} {
		if a, err := s.Explainer.Explain(explain.Request{URL: "https://public.localhost" + path}); err != nil ||
			!strings.Contains(a.Outcome, "421") {
			t.Errorf("%s: explain says %+v, %v", path, a, err)
		}
	}
	want(t, "with a certificate", s.ask("secure.localhost", get("secure.localhost:443"), own), 200)
	want(t, "with a certificate, for another host of the same options", s.ask("secure.localhost", get("second.localhost"), own), 421)
	want(t, "with a certificate, for a host without options", s.ask("secure.localhost", get("public.localhost"), own), 421)

	t.Run("HTTP2", func(t *testing.T) {
		for _, test := range []struct {
			authority, host string
			want            string
		}{
			{"public.localhost", "", "200"}, {"public.localhost", "public.localhost", "200"}, {"secure.localhost", "", "421"},
			{"SECURE.localhost.", "", "421"},
			{"[secure.localhost]x", "", "400"}, {"public.localhost", "secure.localhost", "400"}, {"secure.localhost", "public.localhost", "400"},
			{"", "secure.localhost", "421"}, {"", "public.localhost", "200"}, {" secure.localhost", "", "400"},
		} {
			want(t, fmt.Sprintf("authority %q, host %q", test.authority, test.host), s.askHTTP2("public.localhost", test.authority, test.host),
				test.want)
		}
	})
	t.Run("HTTP3", func(t *testing.T) {
		sessions := tls.NewLRUClientSessionCache(1)
		for _, again := range []bool{false, true} {
			tr := &http3.Transport{TLSClientConfig: &tls.Config{ServerName: "other.localhost", RootCAs: s.RootPool(), ClientSessionCache: sessions}}
			r, _ := http.NewRequestWithContext(t.Context(), "GET", "https://"+s.secure+"/", nil)
			r.Host = "other.localhost"
			resp, err := tr.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
			want(t, "resumed", resp.TLS.DidResume, again)
			_ = tr.Close()
		}
		tr := &http3.Transport{TLSClientConfig: &tls.Config{ServerName: "public.localhost", InsecureSkipVerify: true, NextProtos: []string{"h3"}}}
		defer tr.Close()
		for host, status := range map[string]int{"public.localhost": 200, "secure.localhost": 421, "Secure.localhost.:1": 421,
			"other.localhost": 421, "[secure.localhost]": 400} {
			r, err := http.NewRequestWithContext(t.Context(), "GET", "https://"+s.secure+"/", nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Host = host
			resp, err := tr.RoundTrip(r)
			if err != nil {
				t.Fatalf("%s: %v", host, err)
			}
			_ = resp.Body.Close()
			want(t, host, resp.StatusCode, status)
		}
	})
}

// askHTTP2 sends a request with pseudo-headers of its own, empty ones left out.
func (s *guarded) askHTTP2(sni, authority, host string) string {
	s.t.Helper()
	c, err := tls.Dial("tcp", s.secure, &tls.Config{ServerName: sni, InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	if err != nil {
		s.t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(deadline())
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for _, f := range [][2]string{{":method", "GET"}, {":scheme", "https"}, {":path", "/"}, {":authority", authority}, {"host", host}} {
		if f[1] != "" {
			_ = encoder.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]})
		}
	}
	_, _ = io.WriteString(c, http2.ClientPreface)
	framer := http2.NewFramer(c, c)
	framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	_ = framer.WriteSettings()
	_ = framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block.Bytes(), EndStream: true, EndHeaders: true})
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			s.t.Fatalf("authority %q: %v", authority, err)
		}
		switch f := frame.(type) {
		case *http2.MetaHeadersFrame:
			return f.PseudoValue("status")
		case *http2.RSTStreamFrame:
			return "400" // as good: the server has not passed it on
		}
	}
}

// TestOptionsComeLater changes a host's options under a connection that goes on.
func TestOptionsComeLater(t *testing.T) {
	t.Parallel()
	_, ca := identity(t)
	app := upstream(t, "app")
	s := guard(t, compose(route("app", "Host(`app.localhost`)", app, "tls=true")...), mutual(ca))
	c, err := tls.Dial("tcp", s.secure, &tls.Config{ServerName: "app.localhost", RootCAs: s.RootPool()})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(deadline())
	answers := bufio.NewReader(c)
	status := func() int {
		_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: app.localhost\r\n\r\n")
		resp, err := http.ReadResponse(answers, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		return resp.StatusCode
	}
	want(t, "before", status(), 200)
	s.save(compose(route("app", "Host(`app.localhost`)", app, "tls.options=mutual@file")...))
	eventually(t, "the router's options", func() bool { return s.optionsOf("https://app.localhost/") == "mutual@file" })
	want(t, "after", status(), 421)
}

// optionsOf are the TLS options that explain reports.
func (s *guarded) optionsOf(url string) string {
	a, err := s.Explainer.Explain(explain.Request{URL: url})
	if err != nil || a.TLS == nil {
		return ""
	}
	return a.TLS.Options
}

// TestOptionsOfOtherEntrypoints has routers of one host on two entrypoints, and a TCP
// router, whose options are no concern of HTTPS.
func TestOptionsOfOtherEntrypoints(t *testing.T) {
	t.Parallel()
	own, ca := identity(t)
	_, behind, _ := net.SplitHostPort(echo(t))
	labels := route("app", "Host(`app.localhost`)", upstream(t, "app"), "tls.options=mutual@file", "entrypoints=websecure")
	labels = append(labels, route("aside", "Host(`app.localhost`)", upstream(t, "aside"), "tls=true", "entrypoints=aside")...)
	labels = append(labels, "tcp.routers.raw.rule=HostSNI(`app.localhost`)", "tcp.routers.raw.tls=true",
		"tcp.routers.raw.entrypoints=aside,websecure",
		"tcp.services.raw.loadbalancer.server.port="+behind)
	doc := "services:\n  proxy:\n    image: traefik:v3.7\n" +
		"    command: [\"--entrypoints.websecure.address=:443\", \"--entrypoints.aside.address=:9443\"]\n" +
		strings.TrimPrefix(compose(labels...), "services:\n")
	s := guard(t, doc, mutual(ca))
	if p := s.Problems(); len(p) != 2 || !strings.Contains(p[0].Message, "an HTTPS router takes the connections") {
		t.Errorf("problems: got %v, want that the TCP router gets nothing", p)
	}
	get := "GET / HTTP/1.1\r\nHost: app.localhost\r\nConnection: close\r\n\r\n"
	want(t, "without a certificate", s.ask("app.localhost", get), 0)
	want(t, "with one", s.ask("app.localhost", get, own), 200)
	for _, e := range s.EntryPoints().List(s.Table()) {
		if e.Name == "aside" {
			s.secure = e.Address
			want(t, "the other entrypoint", s.ask("app.localhost", get), 200)
			return
		}
	}
	t.Errorf("entrypoints: got %v", s.EntryPoints().List(s.Table()))
}
