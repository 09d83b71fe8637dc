package listen_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"axion/gateway/listen"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func port(l net.Listener) int { return l.Addr().(*net.TCPAddr).Port }

func hasIPv6() bool {
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		return false
	}
	_ = l.Close()
	return true
}

func TestListen(t *testing.T) {
	t.Parallel()
	for _, addr := range []string{"0", ":0", "localhost:0"} {
		t.Run("OK/"+addr, func(t *testing.T) {
			t.Parallel()
			l, err := listen.Listen(addr)
			if err != nil {
				t.Fatal(err)
			}
			if got := l.Addr().(*net.TCPAddr).IP.String(); got != "127.0.0.1" {
				t.Errorf("address: got %s, want 127.0.0.1", got)
			}
			hosts := []string{"127.0.0.1"}
			if hasIPv6() {
				hosts = append(hosts, "::1")
			}
			for _, host := range hosts {
				exchange(t, l, host)
			}
			if err := l.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
			if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
				t.Errorf("Accept after Close: got %v, want net.ErrClosed", err)
			}
			if err := l.Close(); !errors.Is(err, net.ErrClosed) {
				t.Errorf("second Close: got %v, want net.ErrClosed", err)
			}
		})
	}
}

func TestListenOne(t *testing.T) {
	t.Parallel()
	t.Run("OK/explicit host", func(t *testing.T) {
		t.Parallel()
		l, err := listen.Listen("127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		if _, ok := l.(*net.TCPListener); !ok {
			t.Errorf("listener: got %T, want the plain one", l)
		}
	})
	t.Run("OK/unaccepted connection is closed", func(t *testing.T) {
		t.Parallel()
		l, err := listen.Listen("0")
		if err != nil {
			t.Fatal(err)
		}
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Read(make([]byte, 1)); err == nil {
			t.Error("read: got data, want the connection closed")
		}
	})
}

// exchange sends the host's name through a connection that l accepts.
func exchange(t *testing.T, l net.Listener, host string) {
	t.Helper()
	out, err := net.Dial("tcp", net.JoinHostPort(host, strconv.Itoa(port(l))))
	if err != nil {
		t.Fatalf("dial %s: %v", host, err)
	}
	_, _ = io.WriteString(out, host)
	_ = out.Close()
	in, err := l.Accept()
	if err != nil {
		t.Fatalf("accept from %s: %v", host, err)
	}
	defer in.Close()
	if got, _ := io.ReadAll(in); string(got) != host {
		t.Errorf("received: got %q, want %q", got, host)
	}
}

func TestListenErrors(t *testing.T) {
	t.Parallel()
	t.Run("ErrBusy", func(t *testing.T) {
		t.Parallel()
		for _, host := range []string{"127.0.0.1", "::1"} {
			if host == "::1" && !hasIPv6() {
				continue
			}
			taken, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
			if err != nil {
				t.Fatal(err)
			}
			defer taken.Close()
			_, err = listen.Listen(strconv.Itoa(port(taken)))
			busy, ok := errors.AsType[*listen.Busy](err)
			if !ok {
				t.Fatalf("error: got %v, want a *Busy", err)
			}
			if got, want := busy.Error(), taken.Addr().String()+" is in use"; got != want {
				t.Errorf("message: got %q, want %q", got, want)
			}
			if hint := busy.Hint(); !strings.Contains(hint, "such as ") {
				t.Errorf("hint: got %q, want one with a free port", hint)
			}
		}
	})
	t.Run("ErrDenied", func(t *testing.T) {
		t.Parallel()
		first, err := os.ReadFile("/proc/sys/net/ipv4/ip_unprivileged_port_start")
		if err != nil || os.Geteuid() == 0 || strings.TrimSpace(string(first)) == "0" {
			t.Skip("this user may open any port")
		}
		if _, err := listen.Listen("1"); !errors.As(err, new(*listen.Denied)) {
			t.Errorf("error: got %v, want a *Denied", err)
		}
	})
	for _, addr := range []string{"", "x", "localhost:", "localhost:http", "-1", "65536", "a:b:c", "[::1"} {
		t.Run(fmt.Sprintf("ErrAddress/%q", addr), func(t *testing.T) {
			t.Parallel()
			if l, err := listen.Listen(addr); err == nil {
				_ = l.Close()
				t.Error("got no error")
			} else if !strings.Contains(err.Error(), strconv.Quote(addr)) {
				t.Errorf("error: got %v, want one that names %q", err, addr)
			}
		})
	}
}

func TestFree(t *testing.T) {
	t.Parallel()
	for near, from := range map[int]int{80: 8080, 443: 8443, 9092: 9093} {
		if got := listen.NearestFreePort(near); got < from || got >= from+100 {
			t.Errorf("Free(%d): got %d, want %d or a little above", near, got, from)
		}
	}
	if got := listen.NearestFreePort(65535); got != 0 {
		t.Errorf("Free(65535): got %d, want 0", got)
	}
}

// TestAddress: a listener on all addresses is reached at localhost.
func TestAddress(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]string{":0": "127.0.0.1", "localhost:0": "127.0.0.1", "127.0.0.1:0": "127.0.0.1",
		"0.0.0.0:0": "localhost", "[::]:0": "localhost"} {
		l, err := listen.Listen(addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() })
		if got := listen.Address(l); got != fmt.Sprintf("%s:%d", want, listen.Port(l)) || listen.URL(l) != "http://"+got {
			t.Errorf("%s: got %s, %s", addr, got, listen.URL(l))
		}
	}
}
