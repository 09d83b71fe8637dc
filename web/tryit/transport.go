package tryit

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"
)

// timeout bounds one request, answer included.
const timeout = 10 * time.Second

// GatewayTransport says how requests go out that a person writes: to this stack's gateway,
// whatever host they name, and nowhere else.
type GatewayTransport struct {
	// Resolve gives the "host:port" where the gateway takes a scheme, "http" or
	// "https", at a port; empty means the scheme's own. False means that the
	// gateway has no such port. Required.
	Resolve func(scheme, port string) (address string, ok bool)
	// RootCAs verify the gateway's certificates; nil means the system's.
	RootCAs *x509.CertPool
	// Token gives a bearer token that is valid now, or "" where there is none.
	// Nil means that there is none.
	Token func(context.Context) (string, error)
}

// client makes the client whose connections all lead through t.
func (t *GatewayTransport) client() *http.Client {
	return &http.Client{
		Timeout: timeout,
		Transport: &http.Transport{
			Proxy:                 nil, // not even the environment's: it would be elsewhere
			DialContext:           t.dial,
			TLSClientConfig:       &tls.Config{RootCAs: t.RootCAs, MinVersion: tls.VersionTLS12},
			ForceAttemptHTTP2:     true,
			DisableCompression:    true, // what was sent is shown
			IdleConnTimeout:       30 * time.Second,
			MaxIdleConnsPerHost:   2,
			MaxConnsPerHost:       16,
			ResponseHeaderTimeout: timeout,
			// What a header may be is for the gateway to refuse.
			MaxResponseHeaderBytes: 256 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

type schemeKey struct{}

// dial connects to the gateway. The address that the URL names only chooses which
// of its ports.
func (t *GatewayTransport) dial(ctx context.Context, network, named string) (net.Conn, error) {
	scheme, _ := ctx.Value(schemeKey{}).(string)
	_, port, err := net.SplitHostPort(named)
	if err != nil {
		return nil, err
	}
	address, ok := t.Resolve(scheme, defaultPort(scheme, port))
	if !ok {
		return nil, fmt.Errorf("the gateway has no port %s for %s", port, scheme)
	}
	return (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, network, dialAddress(address))
}

// defaultPort is empty for the port that a scheme has by itself.
func defaultPort(scheme, port string) string {
	if scheme == "http" && port == "80" || scheme == "https" && port == "443" {
		return ""
	}
	return port
}

// dialAddress is the address of a listener to connect to: one of all interfaces is
// reached on this machine.
func dialAddress(address string) string {
	at, err := netip.ParseAddrPort(address)
	if err != nil || !at.Addr().IsUnspecified() {
		return address
	}
	return netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), at.Port()).String()
}

// target reads a URL that a person wrote. Only one that the gateway takes passes.
func (t *GatewayTransport) target(text string) (*url.URL, error) {
	if !strings.Contains(text, "://") {
		text = "https://" + text
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, errors.New("the URL cannot be read")
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("the URL's scheme must be http or https, not %q", u.Scheme)
	case u.User != nil:
		return nil, errors.New("the URL holds credentials: put them in an Authorization header, or ask for the development token")
	case u.Hostname() == "" || !httpguts.ValidHostHeader(u.Host):
		return nil, errors.New("the URL has no host")
	}
	u.Fragment = ""
	if _, ok := t.Resolve(u.Scheme, defaultPort(u.Scheme, u.Port())); !ok {
		if u.Port() == "" {
			return nil, fmt.Errorf("the gateway does not listen for %s", u.Scheme)
		}
		return nil, fmt.Errorf("port %s is not one where this stack's gateway takes %s: requests go there only", u.Port(), u.Scheme)
	}
	return u, nil
}
