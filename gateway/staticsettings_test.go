package gateway_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

func TestAsDefault(t *testing.T) {
	t.Parallel()
	s := start(t, compose(route("a", "PathPrefix(`/`)", upstream(t, "a"))...)+traefik("--entrypoints.web.address=:80",
		"--entrypoints.one.address=:"+freePort(t), "--entrypoints.one.asdefault=true", "--entrypoints.two.address=:"+freePort(t)))
	for entrypoint, code := range map[string]int{"one": 200, "two": 404, "web": 404} {
		status, _ := s.at(entrypoint, "/")
		want(t, entrypoint, status, code)
	}
}

// Requests under way have the entrypoint's own time, whatever the usual one is.
func TestGraceTimeOut(t *testing.T) {
	t.Parallel()
	arrived, finish := make(chan struct{}), make(chan struct{})
	up := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		close(arrived)
		<-finish
		_, _ = io.WriteString(w, "done")
	})
	s := start(t, compose(route("a", "Host(`a.localhost`)", up)...)+traefik("--entrypoints.web.address=:80",
		"--entrypoints.web.transport.lifecycle.gracetimeout=1h"))
	s.SetDrain(time.Millisecond)
	answer := make(chan string, 1)
	go func() {
		resp, err := s.client().Get("http://a.localhost/")
		if err != nil {
			answer <- err.Error()
			return
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		answer <- string(body)
	}()
	await(t, arrived, "the request")
	closed := make(chan error, 1)
	go func() { closed <- s.Close(context.Background()) }()
	eventually(t, "the entrypoint takes no more", func() bool {
		c, err := net.Dial("tcp", s.http)
		if err == nil {
			_ = c.Close()
		}
		return err != nil
	})
	select {
	case got := <-answer:
		t.Errorf("the request was cut off: %s", got)
	case <-time.After(50 * time.Millisecond): // many times the usual one; a slow machine passes all the same
	}
	close(finish)
	want(t, "answer", <-answer, "done")
	if err := <-closed; err != nil {
		t.Errorf("Close: %v", err)
	}
}

func TestAdvertisedPort(t *testing.T) {
	t.Parallel()
	s := start(t, compose(route("a", "Host(`a.localhost`)", upstream(t, "a"), "tls=true")...)+
		traefik("--entrypoints.websecure.address=:443", "--entrypoints.websecure.http3.advertisedport=7443"))
	resp, err := s.client().Get("https://a.localhost/")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if got := resp.Header.Get("Alt-Svc"); !strings.Contains(got, `h3=":7443"`) {
		t.Errorf("got Alt-Svc %q", got)
	}
}

// What an entrypoint says of HTTP/2 is in its settings, and in how it writes headers.
func TestHTTP2Limits(t *testing.T) {
	t.Parallel()
	s := start(t, compose(route("a", "Host(`a.localhost`)", upstream(t, "a"), "tls=true")...)+traefik("--entrypoints.websecure.address=:443",
		"--entrypoints.websecure.http2.maxconcurrentstreams=7", "--entrypoints.websecure.http2.maxdecoderheadertablesize=99",
		"--entrypoints.websecure.http2.maxencoderheadertablesize=9"))
	c, err := tls.Dial("tcp", s.secure, &tls.Config{RootCAs: s.RootPool(), ServerName: "a.localhost", NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(deadline())
	_, _ = io.WriteString(c, http2.ClientPreface)
	f := http2.NewFramer(c, c)
	_ = f.WriteSettings(http2.Setting{ID: http2.SettingHeaderTableSize, Val: 1 << 16})
	var block bytes.Buffer
	h := hpack.NewEncoder(&block)
	for _, field := range [][2]string{{":method", "GET"}, {":scheme", "https"}, {":authority", "a.localhost"}, {":path", "/"}} {
		_ = h.WriteField(hpack.HeaderField{Name: field[0], Value: field[1]})
	}
	_ = f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block.Bytes(), EndHeaders: true, EndStream: true})
	seen := map[http2.SettingID]uint32{}
	for {
		frame, err := f.ReadFrame()
		if err != nil {
			t.Fatal(err)
		}
		switch frame := frame.(type) {
		case *http2.SettingsFrame:
			_ = frame.ForeachSetting(func(s http2.Setting) error { seen[s.ID] = s.Val; return nil })
		case *http2.HeadersFrame:
			want(t, "maxConcurrentStreams", seen[http2.SettingMaxConcurrentStreams], uint32(7))
			want(t, "maxDecoderHeaderTableSize", seen[http2.SettingHeaderTableSize], uint32(99))
			// A size update of 9 (RFC 7541, section 6.3), though the client takes 65536.
			want(t, "maxEncoderHeaderTableSize", frame.HeaderBlockFragment()[0], byte(0x29))
			return
		}
	}
}

// A session of datagrams ends after the entrypoint's timeout: the server then sees
// another one.
func TestUDPTimeout(t *testing.T) {
	t.Parallel()
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	sessions := make(chan string, 1000)
	go func() {
		buffer := make([]byte, 100)
		for {
			_, from, err := server.ReadFrom(buffer)
			if err != nil {
				return
			}
			sessions <- from.String()
		}
	}()
	free, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, number, _ := net.SplitHostPort(free.LocalAddr().String())
	_ = free.Close()
	_, behind, _ := net.SplitHostPort(server.LocalAddr().String())
	s := start(t, compose("udp.routers.dns.entrypoints=dns", "udp.services.dns.loadbalancer.server.port="+behind)+
		traefik("--entrypoints.dns.address=:"+number+"/udp", "--entrypoints.dns.udp.timeout=1ms", "--entrypoints.web.address=:80"))
	c, err := net.Dial("udp", strings.TrimSuffix(s.entrypoint("dns"), "/udp"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	first := ""
	eventually(t, "another session", func() bool { // which would never be with the usual 3 s
		_, _ = c.Write([]byte("x"))
		select {
		case from := <-sessions:
			if first == "" {
				first = from
			}
			return from != first
		default:
			return false
		}
	})
}

// The static serversTransport is that of services that name none.
func TestDefaultServersTransport(t *testing.T) {
	t.Parallel()
	up := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/hang" {
			<-r.Context().Done()
		}
	}))
	up.Config.ErrorLog = log.New(io.Discard, "", 0)
	up.StartTLS()
	t.Cleanup(up.Close)
	root := filepath.Join(t.TempDir(), "root.pem")
	write(t, root, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: up.Certificate().Raw})))
	for name, tt := range map[string]struct {
		args []string
		path string
		want int
	}{
		"ErrUntrusted":         {nil, "/", 502},
		"OKInsecureSkipVerify": {[]string{"--serverstransport.insecureskipverify=true"}, "/", 200},
		"OKRootCAs":            {[]string{"--serverstransport.rootcas=" + root}, "/", 200},
		"ErrResponseHeaderTimeout": {[]string{"--serverstransport.rootcas=" + root,
			"--serverstransport.forwardingtimeouts.responseheadertimeout=20ms"}, "/hang", 504},
		"ErrDialTimeout": {[]string{"--serverstransport.rootcas=" + root, "--serverstransport.forwardingtimeouts.dialtimeout=1ns"},
			"/", 504},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, compose(route("a", "Host(`a.localhost`)", up.URL)...)+traefik(append(tt.args, "--entrypoints.web.address=:80")...))
			if status, body := get(t, s.client(), "http://a.localhost"+tt.path); status != tt.want {
				t.Errorf("got %d %s, want %d", status, body, tt.want)
			}
		})
	}
}

// ACME's handshakes are the gateway's own unless the entrypoint leaves them to TCP
// routers.
func TestACMEByPass(t *testing.T) {
	t.Parallel()
	for _, bypass := range []bool{false, true} {
		t.Run(fmt.Sprint(bypass), func(t *testing.T) {
			t.Parallel()
			_, number, _ := net.SplitHostPort(echo(t))
			s := start(t, compose(append(route("web", "Host(`web.localhost`)", upstream(t, "web"), "tls=true"),
				"tcp.routers.t.rule=HostSNI(`t.localhost`)", "tcp.routers.t.tls=true", "tcp.routers.t.entrypoints=websecure", "tcp.routers.t.service=t",
				"tcp.services.t.loadbalancer.server.port="+number)...)+
				traefik("--entrypoints.websecure.address=:443", fmt.Sprintf("--entrypoints.websecure.allowacmebypass=%t", bypass)))
			c, err := tls.Dial("tcp", s.secure, &tls.Config{ServerName: "t.localhost", InsecureSkipVerify: true, NextProtos: []string{"acme-tls/1"}})
			if (err == nil) != bypass {
				t.Fatalf("the handshake: got %v", err)
			}
			if bypass {
				want(t, "through the TCP router", talk(t, c), "220 ready\nhello\n")
			}
		})
	}
}
