package cert

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"

	"github.com/caddyserver/certmagic"
	"github.com/mholt/acmez/v3"
	"go.uber.org/zap"

	"axion/gateway/hostname"
)

// HTTPChallenge answers a request of an ACME server that verifies a host (RFC
// 8555, section 8.3), and reports whether r was one. It is to be asked on plain
// entrypoints before any router is. It is cheap for all other requests.
func (a *Authority) HTTPChallenge(w http.ResponseWriter, r *http.Request) bool {
	if !certmagic.LooksLikeHTTPChallenge(r) {
		return false
	}
	host, _, err := hostname.Parse(r.Host)
	if err != nil || a.state.Load().public[host] == nil {
		return false
	}
	c, ok := certmagic.GetACMEChallenge(host)
	return ok && certmagic.SolveHTTPChallenge(zap.NewNop(), w, r, c.Challenge)
}

// challenge is the configuration that answers an ACME server's handshake (RFC
// 8737), or nil for other clients.
func (s *state) challenge(hello *tls.ClientHelloInfo) *tls.Config {
	if len(s.public) == 0 || len(hello.SupportedProtos) != 1 || hello.SupportedProtos[0] != acmez.ACMETLS1Protocol {
		return nil
	}
	host, _ := hostname.Name(hello.ServerName)
	account := s.public[host]
	if account == nil {
		return nil
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS12, NextProtos: []string{acmez.ACMETLS1Protocol}, SessionTicketsDisabled: true,
		GetCertificate: account.magic.GetCertificate,
	}
}

// openChallengePort opens a port on which nobody is served. Certmagic opens ports 80 and
// 443 of all interfaces itself, unless it finds the port that it was given taken:
// then it trusts that challenges are answered elsewhere, as they are here.
func openChallengePort() (net.Listener, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("open a port for ACME challenges: %w", err)
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.Close()
		}
	}()
	return l, nil
}
