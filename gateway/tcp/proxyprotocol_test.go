package tcp_test

import (
	"bufio"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/pires/go-proxyproto"

	"axion/gateway/config"
	"axion/gateway/tcp"
)

// header is what a proxy says of a client at 192.0.2.7.
func header(version byte) *proxyproto.Header {
	return proxyproto.HeaderProxyFromAddrs(version, &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 4711},
		&net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 443})
}

func TestProxyProtocolIn(t *testing.T) {
	t.Parallel()
	server := serve(t, named("db"))
	router := plain(server)
	router.Rule = "ClientIP(`192.0.2.0/24`)"
	for _, tt := range []struct {
		name    string
		trusted config.TrustedPeers
		header  *proxyproto.Header
		tcp     bool   // the router takes it
		http    string // else who the client is
	}{
		{"OKVersion1", config.TrustedPeers{TrustedIPs: []string{"127.0.0.0/8"}}, header(1), true, ""},
		{"OKVersion2", config.TrustedPeers{TrustedIPs: []string{"127.0.0.1"}}, header(2), true, ""},
		{"OKInsecure", config.TrustedPeers{Insecure: true}, header(2), true, ""},
		{"OKNoHeader", config.TrustedPeers{Insecure: true}, nil, false, "http 127.0.0.1:"},
		{"OKLocal", config.TrustedPeers{Insecure: true}, proxyproto.HeaderProxyFromAddrs(2, nil, nil), false, "http 127.0.0.1:"},
		{"ErrNotTrusted", config.TrustedPeers{TrustedIPs: []string{"192.0.2.0/24"}}, header(1), false, "http 127.0.0.1:"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			peers, err := tcp.NewPeers(&tt.trusted)
			if err != nil {
				t.Fatal(err)
			}
			r := start(t, routes(&config.TCPRouter{Rule: router.Rule, Service: server}),
				tcp.MuxOptions{ProxyProtocol: func() *tcp.Peers { return peers }})
			c := r.dial()
			if tt.header != nil {
				if _, err := tt.header.WriteTo(c); err != nil {
					t.Fatal(err)
				}
			}
			if tt.tcp {
				mustAsk(t, c, "select", "db select")
				return
			}
			if got := get(t, c); !strings.HasPrefix(got, tt.http) {
				t.Errorf("got %q, want %q", got, tt.http)
			}
		})
	}
}

func TestProxyProtocolForHTTP(t *testing.T) {
	t.Parallel()
	peers, err := tcp.NewPeers(&config.TrustedPeers{Insecure: true})
	if err != nil {
		t.Fatal(err)
	}
	r := start(t, &config.TCP{}, tcp.MuxOptions{ProxyProtocol: func() *tcp.Peers { return peers }})
	c := r.dial()
	if _, err := header(2).WriteTo(c); err != nil {
		t.Fatal(err)
	}
	if got := get(t, c); got != "http 192.0.2.7:4711" {
		t.Errorf("got %q, want the client's address", got)
	}
}

func TestProxyProtocolMalformed(t *testing.T) {
	t.Parallel()
	peers, _ := tcp.NewPeers(&config.TrustedPeers{Insecure: true})
	r := start(t, &config.TCP{}, tcp.MuxOptions{ProxyProtocol: func() *tcp.Peers { return peers }})
	c := r.dial()
	_, _ = io.WriteString(c, "PROXY TCP4 x y\r\n")
	ended(t, c)
}

func TestNewPeers(t *testing.T) {
	t.Parallel()
	if p, err := tcp.NewPeers(nil); p != nil || err != nil {
		t.Errorf("got %v, %v; want none", p, err)
	}
	if _, err := tcp.NewPeers(&config.TrustedPeers{TrustedIPs: []string{"x"}}); err == nil ||
		!strings.Contains(err.Error(), "proxyprotocol.trustedips") {
		t.Errorf("got %v, want the setting to be named", err)
	}
}

func TestProxyProtocolOut(t *testing.T) {
	t.Parallel()
	told := serve(t, func(c net.Conn) {
		r := bufio.NewReader(c)
		h, err := proxyproto.Read(r)
		if err != nil {
			return
		}
		_, _ = io.WriteString(c, h.SourceAddr.String()+"\n")
		_, _ = io.Copy(io.Discard, r)
	})
	for name, set := range map[string]func(*config.TCP, *config.TCPLoadBalancer){
		"Default":  func(_ *config.TCP, lb *config.TCPLoadBalancer) { lb.ProxyProtocol = &config.ProxyProtocol{} },
		"Version1": func(_ *config.TCP, lb *config.TCPLoadBalancer) { lb.ProxyProtocol = &config.ProxyProtocol{Version: 1} },
		"Transport": func(c *config.TCP, lb *config.TCPLoadBalancer) {
			lb.ServersTransport = "t"
			c.ServersTransports = map[string]*config.TCPServersTransport{"t": {ProxyProtocol: &config.ProxyProtocol{Version: 2}}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := routes(plain(told))
			set(c, c.Services["to-"+told].LoadBalancer)
			r := start(t, c, tcp.MuxOptions{})
			client := r.dial()
			if got, err := ask(client, "select"); err != nil || got != client.LocalAddr().String() {
				t.Errorf("got %q, %v; want %s", got, err, client.LocalAddr())
			}
		})
	}
}
