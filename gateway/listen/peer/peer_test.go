//go:build linux

package peer_test

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"axion/gateway/listen"
	"axion/gateway/listen/peer"
	"axion/gateway/listen/peer/peertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds every wait; it is only reached where something is broken.
const patience = 20 * time.Second

// journal is a log that tests read. It is safe for concurrent use.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// echo serves a guarded listener: it answers each connection that is let in by a line.
func echo(t *testing.T, l net.Listener, p peer.Protocol, users ...string) (guarded net.Listener, log *journal) {
	t.Helper()
	log = &journal{}
	o := peer.Options{Log: slog.New(slog.NewTextHandler(log, nil))}
	for _, name := range users {
		if err := o.Users.Set(name); err != nil {
			t.Fatal(err)
		}
	}
	return serve(t, peer.New(o).Listen(l, p)), log
}

// serve answers each connection of a listener by a line, until the test ends.
func serve(t *testing.T, l net.Listener) net.Listener {
	t.Helper()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(c, "welcome")
			_ = c.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-ended })
	return l
}

// heard is what the other end says until it ends.
func heard(t *testing.T, c net.Conn) string {
	t.Helper()
	_ = c.SetDeadline(time.Now().Add(patience))
	text, err := io.ReadAll(c)
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) && !strings.Contains(err.Error(), "reset") {
		t.Fatal(err)
	}
	return string(text)
}

func open(t *testing.T, addr string) net.Listener {
	t.Helper()
	l, err := listen.Listen(addr)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func at(host string, l net.Listener) string {
	return net.JoinHostPort(host, strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
}

// TestListen: own and root's connections are let in, others' are refused, each time, over
// both families, and reported once.
func TestListen(t *testing.T) {
	t.Parallel()
	other, name := peertest.Other(t)
	own, log := echo(t, open(t, "0"), peer.Other)
	for _, host := range []string{"127.0.0.1", "::1"} {
		for range 2 {
			if got := heard(t, peertest.Dial(t, 0, at(host, own))); got != "welcome" {
				t.Errorf("%s, root: got %q", host, got)
			}
			if got := heard(t, peertest.Dial(t, other, at(host, own))); got != "" {
				t.Errorf("%s, %s: got %q", host, name, got)
			}
		}
	}
	if got := strings.Count(log.String(), "user="+name); got != 1 || !strings.Contains(log.String(), "--allow-user "+name) {
		t.Errorf("told %d times: %s", got, log)
	}
	if got := heard(t, peertest.Dial(t, 12345, at("::1", own))); got != "" || !strings.Contains(log.String(), "--allow-user 12345") {
		t.Errorf("a user without a name: got %q, and said %s", got, log)
	}
}

// TestListenAll: a listener on every address looks at the machine's own the same, however
// a client writes or chooses them.
func TestListenAll(t *testing.T) {
	t.Parallel()
	other, _ := peertest.Other(t)
	for _, all := range []string{"0.0.0.0:0", "[::]:0"} {
		own, _ := echo(t, open(t, all), peer.Other)
		for name, dial := range map[string]func(uid int) net.Conn{
			"mapped":  func(uid int) net.Conn { return peertest.Dial(t, uid, at("::ffff:127.0.0.1", own)) },
			"another": func(uid int) net.Conn { return peertest.Dial(t, uid, at("127.0.0.9", own), peertest.From("127.8.7.6")) },
			"device":  func(uid int) net.Conn { return peertest.Dial(t, uid, at("127.0.0.1", own), peertest.OnDevice("lo")) },
			"address": func(uid int) net.Conn { return peertest.Dial(t, uid, at(ownAddress(t), own)) },
			"foreign": func(uid int) net.Conn {
				return peertest.Dial(t, uid, at("127.0.0.1", own), peertest.From(ownAddress(t)))
			},
		} {
			if got := heard(t, dial(0)); got != "welcome" {
				t.Errorf("%s, %s, root: got %q", all, name, got)
			}
			if got := heard(t, dial(other)); got != "" {
				t.Errorf("%s, %s, another user: got %q", all, name, got)
			}
		}
	}
}

// ownAddress is an address of this machine that is no loopback one, or else one that is.
func ownAddress(t *testing.T) string {
	t.Helper()
	all, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range all {
		if n, ok := one.(*net.IPNet); ok && n.IP.To4() != nil && !n.IP.IsLoopback() {
			return n.IP.String()
		}
	}
	return "127.0.0.1"
}

// TestListenGone: who sends and is gone before anybody looks is refused: of a socket that
// nobody has open the kernel says that it is root's.
func TestListenGone(t *testing.T) {
	t.Parallel()
	other, _ := peertest.Other(t)
	for name, leave := range map[string]func(*net.TCPConn){
		"closed": func(c *net.TCPConn) { _ = c.Close() },
		"reset":  func(c *net.TCPConn) { _ = c.SetLinger(0); _ = c.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := open(t, "127.0.0.1:0")
			c := peertest.Dial(t, other, at("127.0.0.1", l))
			if _, err := io.WriteString(c, "do it"); err != nil {
				t.Fatal(err)
			}
			leave(c)
			accepted, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = accepted.Close(); _ = l.Close() }()
			guard := peer.New(peer.Options{})
			for range 30 { // meanwhile the kernel keeps less and less of the socket
				if err := guard.Check(accepted); err == nil {
					t.Fatal("it is let in")
				}
				time.Sleep(5 * time.Millisecond)
			}
		})
	}
	t.Run("half", func(t *testing.T) {
		t.Parallel()
		own, _ := echo(t, open(t, "127.0.0.1:0"), peer.Other)
		c := peertest.Dial(t, 0, at("127.0.0.1", own))
		if err := c.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if got := heard(t, c); got != "welcome" {
			t.Errorf("one that will not send: got %q", got)
		}
	})
}

// TestListenHTTP: over HTTP the refusal says how to be let in.
func TestListenHTTP(t *testing.T) {
	t.Parallel()
	other, name := peertest.Other(t)
	own, _ := echo(t, open(t, "0"), peer.HTTP)
	c := peertest.Dial(t, other, at("127.0.0.1", own))
	if _, err := io.WriteString(c, "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello"); err != nil {
		t.Fatal(err)
	}
	_ = c.CloseWrite()
	if got := heard(t, c); !strings.HasPrefix(got, "HTTP/1.1 403 ") || !strings.Contains(got, "--allow-user "+name) {
		t.Errorf("got %q", got)
	}
	if got := heard(t, peertest.Dial(t, 0, at("127.0.0.1", own))); got != "welcome" {
		t.Errorf("root: got %q", got)
	}
}

// TestListenSilent: those who are refused and neither read nor end hold nobody up, and a
// listener that they are at closes.
func TestListenSilent(t *testing.T) {
	t.Parallel()
	other, _ := peertest.Other(t)
	own, _ := echo(t, open(t, "0"), peer.HTTP)
	for range 200 {
		peertest.Dial(t, other, at("127.0.0.1", own))
	}
	if got := heard(t, peertest.Dial(t, 0, at("127.0.0.1", own))); got != "welcome" {
		t.Errorf("got %q", got)
	}
}

// TestListenSlow: a kernel that is slow to report some connections holds no other up;
// where it says nothing at all everybody is refused, in time, and let in again after it.
func TestListenSlow(t *testing.T) {
	t.Parallel()
	log := &journal{}
	guard := peer.New(peer.Options{Log: slog.New(slog.NewTextHandler(log, nil))})
	own := serve(t, guard.Listen(open(t, "0"), peer.Other))
	dial := func() string {
		c, err := net.Dial("tcp", own.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
		return heard(t, c)
	}
	resume := guard.Stall(peer.Queries - 1)
	if got := dial(); got != "welcome" {
		t.Errorf("beside slow ones: got %q", got)
	}
	last := guard.Stall(1)
	if got := dial(); got != "" || !strings.Contains(log.String(), "busy") {
		t.Errorf("with all of them slow: got %q, and said %s", got, log)
	}
	resume()
	last()
	if got := dial(); got != "welcome" {
		t.Errorf("afterwards: got %q", got)
	}
}

// TestListenClose: what was looked at and not accepted is closed, and closing twice is an
// error as with other listeners.
func TestListenClose(t *testing.T) {
	t.Parallel()
	own := peer.New(peer.Options{}).Listen(open(t, "0"), peer.Other)
	c, err := net.Dial("tcp", own.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if err := own.Close(); err != nil {
		t.Fatal(err)
	}
	if got := heard(t, c); got != "" {
		t.Errorf("got %q", got)
	}
	if _, err := own.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept: got %v", err)
	}
	if err := own.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Close: got %v", err)
	}
}

// TestUsers: a user who is named is let in, and others still are not.
func TestUsers(t *testing.T) {
	t.Parallel()
	other, name := peertest.Other(t)
	own, log := echo(t, open(t, "0"), peer.Other, name, "4711")
	for uid, want := range map[int]string{other: "welcome", 4711: "welcome", 0: "welcome", 4712: ""} {
		if got := heard(t, peertest.Dial(t, uid, at("127.0.0.1", own))); got != want {
			t.Errorf("%d: got %q, want %q; log: %s", uid, got, want, log)
		}
	}
}

// TestUsersErrUnknown: the error of a name that nobody has says what to give.
func TestUsersErrUnknown(t *testing.T) {
	t.Parallel()
	var users peer.Users
	err := users.Set("no-such-user")
	var hinter interface{ Hint() string }
	if err == nil || !strings.Contains(err.Error(), `"no-such-user"`) || !errors.As(err, &hinter) ||
		!strings.Contains(hinter.Hint(), "id -un") {
		t.Errorf("got %v", err)
	}
}

// BenchmarkCheck is what a connection costs more, on a machine with few and with many.
func BenchmarkCheck(b *testing.B) {
	for _, others := range []int{0, 5000} {
		b.Run(strconv.Itoa(others), func(b *testing.B) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = l.Close() }()
			var accepted net.Conn
			for range others + 1 {
				c, err := net.Dial("tcp", l.Addr().String())
				if err != nil {
					b.Fatal(err)
				}
				defer func() { _ = c.Close() }()
				if accepted, err = l.Accept(); err != nil {
					b.Fatal(err)
				}
				defer func(c net.Conn) { _ = c.Close() }(accepted)
			}
			guard := peer.New(peer.Options{})
			for b.Loop() {
				if err := guard.Check(accepted); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
