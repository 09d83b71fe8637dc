//go:build linux

package stacktest_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"axion/gateway/listen/peer/peertest"
	"axion/services/clustertest"
	"axion/services/contract"
	"axion/web/stacktest"
)

// listening are the TCP addresses that a process listens on, "127.0.0.1:80".
func listening(t *testing.T, pid int) (all []string) {
	t.Helper()
	links, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	if err != nil {
		t.Fatal(err)
	}
	own := map[string]bool{}
	for _, link := range links {
		if to, err := os.Readlink(link); err == nil && strings.HasPrefix(to, "socket:[") {
			own[strings.Trim(to, "socket:[]")] = true
		}
	}
	for _, file := range []string{"tcp", "tcp6"} {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", pid, file))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			// sl local_address rem_address st tx:rx tr:tm retrnsmt uid timeout inode
			f := strings.Fields(line)
			if len(f) < 10 || f[3] != "0A" || !own[f[9]] {
				continue
			}
			var port int
			host, number, _ := strings.Cut(f[1], ":")
			if _, err := fmt.Sscanf(number, "%X", &port); err != nil {
				t.Fatal(err)
			}
			at := "127.0.0.1"
			if len(host) > 8 {
				at = "::1"
			}
			all = append(all, net.JoinHostPort(at, fmt.Sprint(port)))
		}
	}
	return all
}

// greeting is what a client says first, so that a listener has to answer.
func greeting(s *stacktest.Stack, address string) []byte {
	_, port, _ := net.SplitHostPort(address)
	switch {
	case strings.HasSuffix(s.Summary.Kafka, ":"+port): // ApiVersions, version 0, of a client without a name
		return []byte{0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 0xff, 0xff}
	case strings.HasSuffix(s.OTLPGRPC, ":"+port):
		return append([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 0, 0, 0, 4, 0, 0, 0, 0, 0) // and empty SETTINGS
	}
	return []byte("GET /api/session HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
}

// answered is the beginning of what a user receives at an address, "" for nothing.
func answered(t *testing.T, uid int, address string, say []byte) string {
	t.Helper()
	c := peertest.Dial(t, uid, address)
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(stacktest.Timeout))
	_, _ = c.Write(say) // it may be reset by now
	head := make([]byte, 1<<10)
	n, _ := io.ReadAtLeast(c, head, 4)
	return string(head[:n])
}

// TestOtherUser has another user of this machine knock at everything that the stack
// listens on, as the kernel reports: only the gateway's entrypoints answer, and those lead
// nobody to the dashboard.
func TestOtherUser(t *testing.T) {
	t.Parallel()
	other, name := peertest.Other(t)
	s := stacktest.Launch(t, binary)
	project := s.Create(t, "", "a site", "")
	s.WebSocket(t, "/ws?token="+s.Token).ReadUntil(t, project.ID, contract.DeploymentSucceeded)
	entrypoints := []string{s.HTTP[strings.LastIndex(s.HTTP, ":"):], s.HTTPS[strings.LastIndex(s.HTTPS, ":"):]}
	addresses, looked := listening(t, s.Cmd.Process.Pid), 0
	for _, address := range addresses {
		port := address[strings.LastIndex(address, ":"):]
		if slices.Contains(entrypoints, port) || isSite(port) {
			continue
		}
		looked++
		say := greeting(s.Stack, address)
		for range 2 {
			if got := answered(t, other, address, say); got != "" &&
				!(strings.HasPrefix(got, "HTTP/1.1 403 ") && strings.Contains(got, "--allow-user "+name)) {
				t.Errorf("%s answers %s: %q", address, name, got)
			}
		}
		if got := answered(t, os.Getuid(), address, say); got == "" || strings.HasPrefix(got, "HTTP/1.1 403 ") {
			t.Errorf("%s answers its own user: %q", address, got)
		}
	}
	// Kafka, the dashboard, OTLP twice, the registries of replacements and of commands' hosts,
	// and the services, over both families.
	if want := 2 * (6 + len(contract.Services())); looked != want {
		t.Errorf("looked at %d of %v, want %d: is there a listener that is open to everybody?", looked, addresses, want)
	}
	if got := strings.Count(s.Stderr.String(), "connection refused: it belongs to another user"); got != 1 {
		t.Errorf("reported %d times of %s:\n%s", got, name, s.Stderr)
	}
	t.Run("Gateway", func(t *testing.T) { throughGateway(t, s.Stack, other, name) })
	t.Run("Process", func(t *testing.T) { asProcess(t, s.Stack, uint32(other)) })
}

// isSite reports whether a port is one of those that deployed sites have.
func isSite(port string) bool {
	var n int
	_, err := fmt.Sscanf(port, ":%d", &n)
	return err == nil && n >= 30000 && n < 32768
}

// throughGateway asks for the dashboard through the gateway, and for what is everybody's.
func throughGateway(t *testing.T, s *stacktest.Stack, other int, name string) {
	at, err := url.Parse(s.HTTPS)
	if err != nil {
		t.Fatal(err)
	}
	for uid, want := range map[int]int{other: http.StatusForbidden, os.Getuid(): http.StatusOK} {
		for _, protocol := range []string{"http/1.1", "h2"} {
			client := http.Client{Transport: &http.Transport{
				TLSClientConfig: &tls.Config{InsecureSkipVerify: true, //nolint:gosec // who is asked is known
					NextProtos: []string{protocol}, ServerName: contract.DashboardHost},
				DialContext: func(context.Context, string, string) (net.Conn, error) {
					return peertest.Dial(t, uid, "127.0.0.1:"+at.Port()), nil
				},
				ForceAttemptHTTP2: true,
			}}
			for range 2 { // the second one comes on the same connection
				res, err := client.Get(s.URL(contract.DashboardHost, "/api/session"))
				if err != nil {
					t.Fatal(err)
				}
				body, _ := io.ReadAll(res.Body)
				_ = res.Body.Close()
				if res.StatusCode != want || want == http.StatusForbidden && !bytes.Contains(body, []byte("--allow-user "+name)) {
					t.Errorf("user %d, %s: got %s: %s", uid, protocol, res.Status, body)
				}
				if got := res.Header.Get("Alt-Svc"); got != "clear" {
					t.Errorf("user %d is led to HTTP/3, where nobody is answered: Alt-Svc %q", uid, got)
				}
			}
			client.CloseIdleConnections()
		}
	}
	got := answered(t, other, "127.0.0.1:"+s.HTTP[strings.LastIndex(s.HTTP, ":")+1:],
		[]byte("GET /api/graph/projects HTTP/1.1\r\nHost: localhost\r\n\r\n"))
	if !strings.HasPrefix(got, "HTTP/1.1 401 ") {
		t.Errorf("an entrypoint answers %s: %q", name, got)
	}
}

// asProcess is a process that is all another user's.
func asProcess(t *testing.T, s *stacktest.Stack, uid uint32) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		clustertest.Missing(t, "bash", "bash")
	}
	at, err := url.Parse(s.Dashboard)
	if err != nil {
		t.Fatal(err)
	}
	script := fmt.Sprintf(`exec 3<>/dev/tcp/127.0.0.1/%s && printf 'GET /api/session HTTP/1.1\r\nHost: localhost\r\n\r\n' >&3 && cat <&3`,
		at.Port())
	cmd := exec.Command(bash, "-c", script)
	cmd.Dir, cmd.SysProcAttr = "/", &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	out, err := cmd.CombinedOutput()
	if !bytes.HasPrefix(out, []byte("HTTP/1.1 403 ")) {
		t.Errorf("got %q, %v", out, err)
	}
}

// TestAllowUser lets one named user in, and nobody else.
func TestAllowUser(t *testing.T) {
	t.Parallel()
	other, name := peertest.Other(t)
	s := stacktest.Launch(t, binary, "--allow-user", name, "--allow-user", "4711", "--without", contract.Ingest)
	served := stacktest.Serve(t, binary, contract.Ingest, "--brokers", s.Summary.Kafka, "--database",
		clustertest.NewDatabase(t, clustertest.StartPostgres(t)),
		"--data", t.TempDir(), "--allow-user", name)
	for uid, want := range map[int]string{other: "HTTP/1.1 200 ", 4712: "HTTP/1.1 403 "} {
		for _, address := range []string{s.Dashboard, served.URL} {
			address = strings.TrimPrefix(address, "http://")
			if got := answered(t, uid, address, []byte("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")); !strings.HasPrefix(got, want) {
				t.Errorf("%s answers user %d: %q, want %s", address, uid, got, want)
			}
		}
	}
	for _, args := range [][]string{{"up"}, {"serve", contract.Ingest}} {
		cmd := exec.Command(binary, append(args, "--allow-user", "no-such-user")...)
		cmd.Dir = t.TempDir()
		out, err := cmd.CombinedOutput()
		if err == nil || !bytes.Contains(out, []byte(`"no-such-user"`)) || !bytes.Contains(out, []byte("hint: ")) {
			t.Errorf("%v: got %v: %s", args, err, out)
		}
	}
}
