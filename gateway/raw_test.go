package gateway_test

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"axion/web/view"
)

// echo is a server that speaks first and then says everything again.
func echo(t *testing.T) string {
	t.Helper()
	l := port0(t)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_, _ = io.WriteString(c, "220 ready\n")
				_, _ = io.Copy(c, c)
			}()
		}
	}()
	return l.Addr().String()
}

// talk reads the greeting, says a line and reads it back.
func talk(t *testing.T, c net.Conn) string {
	t.Helper()
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	r := bufio.NewReader(c)
	greeting, err := r.ReadString('\n')
	if err != nil {
		t.Fatalf("greeting: %v", err)
	}
	_, _ = io.WriteString(c, "hello\n")
	line, err := r.ReadString('\n')
	if err != nil {
		t.Fatalf("echo: %v", err)
	}
	return greeting + line
}

func TestTCP(t *testing.T) {
	t.Parallel()
	free := port0(t)
	_, number, _ := net.SplitHostPort(free.Addr().String())
	_ = free.Close()
	at := func(name, address string) []string {
		_, port, _ := net.SplitHostPort(address)
		return []string{"tcp.routers." + name + ".service=" + name, "tcp.services." + name + ".loadbalancer.server.port=" + port}
	}
	backend := httptest.NewTLSServer(
		http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "passed through") }))
	t.Cleanup(backend.Close)
	labels := route("web", "Host(`a.localhost`)", upstream(t, "http"), "tls=true", "entrypoints=websecure")
	labels = append(labels, at("mail", echo(t))...)
	labels = append(labels, "tcp.routers.mail.rule=HostSNI(`*`)", "tcp.routers.mail.entrypoints=mail")
	labels = append(labels, at("db", echo(t))...)
	labels = append(labels, "tcp.routers.db.rule=HostSNI(`db.localhost`)", "tcp.routers.db.entrypoints=websecure", "tcp.routers.db.tls=true")
	labels = append(labels, at("own", backend.Listener.Addr().String())...)
	labels = append(labels, "tcp.routers.own.rule=HostSNI(`own.localhost`)", "tcp.routers.own.entrypoints=websecure",
		"tcp.routers.own.tls.passthrough=true")
	s := start(t, compose(labels...)+
		traefik("--entrypoints.mail.address=:"+number, "--entrypoints.web.address=:80", "--entrypoints.websecure.address=:443"))
	if problems := s.Problems(); len(problems) > 0 {
		t.Fatalf("problems: %v", problems)
	}
	plain, err := net.Dial("tcp", s.entrypoint("mail"))
	if err != nil {
		t.Fatal(err)
	}
	want(t, "plain", talk(t, plain), "220 ready\nhello\n")
	secure, err := tls.Dial("tcp", s.secure, &tls.Config{ServerName: "db.localhost", RootCAs: s.RootPool()})
	if err != nil {
		t.Fatal(err)
	}
	want(t, "TLS", talk(t, secure), "220 ready\nhello\n")
	tr := backend.Client().Transport.(*http.Transport).Clone()
	tr.TLSClientConfig.ServerName, tr.TLSClientConfig.InsecureSkipVerify = "own.localhost", true
	defer tr.CloseIdleConnections()
	res, err := (&http.Client{Transport: tr, Timeout: patience}).Get("https://" + s.secure + "/")
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if string(body) != "passed through" || res.TLS.PeerCertificates[0].Subject.Organization[0] != "Acme Co" {
		t.Errorf("passthrough: got %q by %v, want the server's own certificate", body, res.TLS.PeerCertificates[0].Subject)
	}
	if _, body := get(t, s.client(), "https://a.localhost/"); body != "http" {
		t.Errorf("HTTP beside them: got %q", body)
	}
	var service, router struct {
		Status       view.RouteStatus
		UsedBy       []string
		Using        []string
		ServerStatus map[string]string
	}
	apiGet(t, s.Gateway, "/api/tcp/services/db@docker", &service)
	apiGet(t, s.Gateway, "/api/tcp/routers/db@docker", &router)
	if len(service.ServerStatus) != 1 || !slices.Equal(service.UsedBy, []string{"db@docker"}) {
		t.Errorf("the API tells %+v of the service", service)
	}
	if router.Status != view.RouteEnabled || !slices.Equal(router.Using, []string{"websecure"}) {
		t.Errorf("the API tells %+v of the router", router)
	}
}

func TestTCPProblem(t *testing.T) {
	t.Parallel()
	s := start(t, compose(port, "tcp.routers.x.rule=HostSNI(`a.localhost`)", "tcp.services.x.loadbalancer.server.port=1"))
	var router struct {
		Status view.RouteStatus
		Error  []string
	}
	if apiGet(t, s.Gateway, "/api/tcp/routers/x@docker", &router); router.Status != view.RouteDisabled || len(router.Error) != 1 {
		t.Errorf("the API tells %+v", router)
	}
	out, err := check(t, compose(port, "tcp.routers.x.rule=HostSNI(`a.localhost`)", "tcp.services.x.loadbalancer.server.port=1"))
	if err == nil || !strings.Contains(out, "traefik.tcp.routers.x") {
		t.Errorf("a name without TLS: got %v\n%s", err, out)
	}
}

func TestUDP(t *testing.T) {
	t.Parallel()
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	go func() {
		buffer := make([]byte, 100)
		for {
			n, from, err := server.ReadFrom(buffer)
			if err != nil {
				return
			}
			_, _ = server.WriteTo(append([]byte("again "), buffer[:n]...), from)
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
		traefik("--entrypoints.dns.address=:"+number+"/udp", "--entrypoints.web.address=:80"))
	if problems := s.Problems(); len(problems) > 0 {
		t.Fatalf("problems: %v", problems)
	}
	c, err := net.Dial("udp", strings.TrimSuffix(s.entrypoint("dns"), "/udp"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	_, _ = c.Write([]byte("hello"))
	buffer := make([]byte, 100)
	n, err := c.Read(buffer)
	want(t, "answer", string(buffer[:n]), "again hello")
	if err != nil {
		t.Error(err)
	}
}
