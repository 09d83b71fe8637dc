package proxy

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"axion/gateway/certfile"
	"axion/gateway/config"
	"axion/gateway/dockerhost"
	"axion/gateway/http1"
)

// Transport is how servers are connected to. It is safe for concurrent use.
type Transport struct {
	plain *http1.Client   // for HTTP/1.1 without TLS, which is what most servers speak
	http  *http.Transport // for TLS
	h2c   *http.Transport // for servers that speak HTTP/2 without TLS
}

// Transport makes one; nil means the default settings. Close is to be called after
// that of the balancers that use it.
func (p *Proxy) Transport(c *config.ServersTransport) (*Transport, error) {
	if c == nil {
		c = &config.ServersTransport{}
	}
	secure, err := tlsOf(c)
	if err != nil {
		return nil, err
	}
	times := timesOf(c.ForwardingTimeouts)
	dialer := &dockerhost.Dialer{Dialer: net.Dialer{Timeout: times.dial, KeepAlive: 15 * time.Second, Control: p.control}, Check: p.check}
	idle := c.MaxIdleConnsPerHost
	if idle == 0 {
		idle = maxIdle
	}
	protocols, plain := &http.Protocols{}, &http.Protocols{}
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(!c.DisableHTTP2)
	plain.SetUnencryptedHTTP2(true)
	// No Proxy: upstreams are reached directly, whatever the environment says.
	t := &http.Transport{
		DialContext:            dialForAnswers(dialer.DialContext),
		TLSClientConfig:        secure,
		MaxIdleConnsPerHost:    idle,
		IdleConnTimeout:        times.idle,
		ResponseHeaderTimeout:  times.header,
		TLSHandshakeTimeout:    10 * time.Second,
		ExpectContinueTimeout:  continueTimeout,
		MaxResponseHeaderBytes: 1 << 20,
		ReadBufferSize:         16 << 10, // bounds trailers, as in package http1
		DisableCompression:     true,     // what the client accepts decides
		Protocols:              protocols,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: times.read, PingTimeout: times.ping},
	}
	h2c := t.Clone()
	h2c.Protocols = plain
	own := http1.New(http1.Options{MaxIdlePerHost: idle, DialTimeout: times.dial, HeaderTimeout: times.header, IdleTimeout: times.idle,
		Control: p.control, Check: p.check})
	return &Transport{plain: own, http: t, h2c: h2c}, nil
}

// Close closes unused connections.
func (t *Transport) Close() {
	t.plain.Close()
	t.http.CloseIdleConnections()
	t.h2c.CloseIdleConnections()
}

// RoundTrip sends a request by itself, as health checks do. The scheme h2c is known.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	way := t.to(r.URL.Scheme)
	if r.URL.Scheme == schemeH2C {
		u := *r.URL
		u.Scheme = "http"
		r = r.WithContext(r.Context())
		r.URL = &u
	}
	return way.RoundTrip(r)
}

// to is the way to a server.
func (t *Transport) to(scheme string) *http.Transport {
	if scheme == schemeH2C {
		return t.h2c
	}
	return t.http
}

// times are a transport's limits; 0 means none.
type times struct{ dial, header, idle, read, ping time.Duration }

func timesOf(c *config.ForwardingTimeouts) times {
	t := times{dial: 30 * time.Second, idle: 90 * time.Second, ping: 15 * time.Second}
	if c == nil {
		return t
	}
	for _, set := range []struct {
		to   *time.Duration
		from *config.Duration
	}{{&t.dial, c.DialTimeout}, {&t.header, c.ResponseHeaderTimeout}, {&t.idle, c.IdleConnTimeout}, {&t.read, c.ReadIdleTimeout},
		{&t.ping, c.PingTimeout}} {
		if set.from != nil {
			*set.to = time.Duration(*set.from)
		}
	}
	return t
}

func tlsOf(c *config.ServersTransport) (*tls.Config, error) {
	t := &tls.Config{ServerName: c.ServerName, InsecureSkipVerify: c.InsecureSkipVerify}
	var err error
	if t.RootCAs, err = certfile.Pool(c.RootCAs...); err != nil {
		return nil, fmt.Errorf("rootcas: %w", err)
	}
	for _, pair := range c.Certificates {
		made, err := certfile.Pair(pair.CertFile, pair.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("certificates: %w", err)
		}
		t.Certificates = append(t.Certificates, made)
	}
	if t.MinVersion, err = versionOf("minversion", c.MinVersion); err != nil {
		return nil, err
	}
	if t.MaxVersion, err = versionOf("maxversion", c.MaxVersion); err != nil {
		return nil, err
	}
	if t.CipherSuites, err = suitesOf(c.CipherSuites); err != nil {
		return nil, err
	}
	if c.PeerCertURI != "" {
		t.VerifyConnection = certfile.ForURI(c.PeerCertURI)
	}
	return t, nil
}

func versionOf(setting, name string) (uint16, error) {
	if name == "" {
		return 0, nil
	}
	for _, v := range []uint16{tls.VersionTLS10, tls.VersionTLS11, tls.VersionTLS12, tls.VersionTLS13} {
		if strings.EqualFold(name, "Version"+strings.NewReplacer(" ", "", ".", "").Replace(tls.VersionName(v))) {
			return v, nil
		}
	}
	return 0, fmt.Errorf("%s %q is not a version such as VersionTLS12", setting, name)
}

func suitesOf(names []string) ([]uint16, error) {
	var ids []uint16
	all := slices.Concat(tls.CipherSuites(), tls.InsecureCipherSuites())
	for _, name := range names {
		i := slices.IndexFunc(all, func(s *tls.CipherSuite) bool { return s.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("ciphersuites: %q is not one that Go knows", name)
		}
		ids = append(ids, all[i].ID)
	}
	return ids, nil
}
