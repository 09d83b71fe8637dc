//go:build linux

package peer_test

import (
	"errors"
	"net"
	"os"
	"testing"

	"axion/gateway/listen/peer"
	"axion/gateway/listen/peer/peertest"
)

// TestCheckServer looks who serves what is connected to, before and after it was accepted:
// a listener's queue has no owner, as a connection that its owner has closed.
func TestCheckServer(t *testing.T) {
	t.Parallel()
	other, name := peertest.Other(t)
	g := peer.New(peer.Options{})
	var allowed peer.Users
	if err := allowed.Set(name); err != nil {
		t.Fatal(err)
	}
	lenient := peer.New(peer.Options{Users: allowed})
	for at, dial := range map[string]string{"127.0.0.1:0": "127.0.0.1", "[::1]:0": "::1", "0.0.0.0:0": "127.0.0.1", "[::]:0": "127.0.0.1",
		"127.9.9.9:0": "127.9.9.9"} {
		for _, uid := range []int{other, os.Getuid()} {
			l := peertest.Listen(t, uid, at)
			_, port, _ := net.SplitHostPort(l.Addr().String())
			check := func(when string, c net.Conn) {
				t.Helper()
				err := g.CheckServer(c)
				var refused *peer.ServerError
				if isOther := errors.As(err, &refused); isOther != (uid == other) || !isOther && err != nil {
					t.Errorf("%s by %d, %s: got %v", at, uid, when, err)
				} else if isOther && (refused.Name != name || refused.Address != c.RemoteAddr().String() || refused.Hint() == "") {
					t.Errorf("%s: got %+v", at, refused)
				}
				if err := lenient.CheckServer(c); err != nil {
					t.Errorf("%s by %d, %s, let in: got %v", at, uid, when, err)
				}
			}
			for range 2 {
				c, err := net.Dial("tcp", net.JoinHostPort(dial, port))
				if err != nil {
					t.Fatal(err)
				}
				check("in the queue", c)
				accepted, err := peertest.Accept(uid, l)
				if err != nil {
					t.Fatal(err)
				}
				check("accepted", c)
				_ = accepted.Close()
				if err := g.CheckServer(c); err == nil {
					t.Errorf("%s: one that was closed after it was accepted is nobody's: got no error", at)
				}
				_ = c.Close()
			}
		}
	}
}

// TestCheckServerGone: an accepted connection is whose it is, though its listener is
// another's by now.
func TestCheckServerGone(t *testing.T) {
	t.Parallel()
	other, _ := peertest.Other(t)
	l := peertest.Listen(t, other, "127.0.0.1:0")
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	accepted, err := peertest.Accept(other, l)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = accepted.Close() }()
	_ = l.Close()
	peertest.Listen(t, os.Getuid(), l.Addr().String())
	var refused *peer.ServerError
	if err := peer.New(peer.Options{}).CheckServer(c); !errors.As(err, &refused) {
		t.Errorf("got %v, want it refused", err)
	}
}
