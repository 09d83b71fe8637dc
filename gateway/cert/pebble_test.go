package cert_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"
	"github.com/miekg/dns"

	"axion/gateway/cert"
	"axion/gateway/config"
)

// pebble is an ACME server that finds every host at 127.0.0.1, at the ports of
// one authority.
type pebble struct {
	acme  config.ACME // as a resolver has it
	roots *x509.CertPool
	seen  chan string // paths of requests that were answered as challenges
}

// newPebble starts one for a. Where eab is given accounts must be bound to it.
func newPebble(t *testing.T, a *cert.Authority, eab *config.EAB) *pebble {
	t.Helper()
	p := &pebble{roots: x509.NewCertPool(), seen: make(chan string, 64)}
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !a.HTTPChallenge(w, r) {
			http.NotFound(w, r)
			return
		}
		p.seen <- r.URL.Path
	}))
	t.Cleanup(plain.Close)
	secure, err := tls.Listen("tcp", "127.0.0.1:0", a.TLSConfig(entry))
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.NotFoundHandler(), ErrorLog: log.New(io.Discard, "", 0)}
	go func() { _ = server.Serve(secure) }()
	t.Cleanup(func() { _ = server.Close() })

	quiet := log.New(io.Discard, "", 0)
	store := db.NewMemoryStore()
	if eab != nil {
		if err := store.AddExternalAccountKeyByID(eab.KID, eab.HmacEncoded); err != nil {
			t.Fatal(err)
		}
	}
	authority := ca.New(quiet, store, "", "ecdsa", 0, 1, map[string]ca.Profile{"default": {}})
	verifier := va.New(quiet, port(plain.Listener), port(secure), false, resolver(t), store)
	front := wfe.New(quiet, store, verifier, authority, []string{"pebble.example"}, false, eab != nil, 0, 0)
	directory := httptest.NewTLSServer(front.Handler())
	t.Cleanup(directory.Close)
	p.roots.AddCert(authority.GetRootCert(0).Cert)
	p.acme = config.ACME{
		Email: "dev@axion.dev", CAServer: directory.URL + wfe.DirectoryPath, EAB: eab,
		CACertificates: []string{pemText("CERTIFICATE", directory.Certificate().Raw)},
	}
	return p
}

func port(l net.Listener) int { return l.Addr().(*net.TCPAddr).Port }

// resolver is the address of a DNS server to which every name is 127.0.0.1.
func resolver(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &dns.Server{Listener: l, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		if name := q.Question[0]; name.Qtype == dns.TypeA {
			m.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: name.Name, Rrtype: dns.TypeA, Class: dns.ClassINET}, A: net.IPv4(127, 0, 0, 1)}}
		}
		_ = w.WriteMsg(m)
	})}
	started, ended := make(chan struct{}), make(chan struct{})
	server.NotifyStartedFunc = func() { close(started) } // before it, Shutdown does nothing
	go func() {
		defer close(ended)
		_ = server.ActivateAndServe()
	}()
	<-started
	t.Cleanup(func() {
		_ = server.Shutdown()
		<-ended
	})
	return l.Addr().String()
}
