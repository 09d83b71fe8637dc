package entrypoint

import (
	"bytes"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
)

// visitor is a connection from any address, which counts how often it was closed.
type visitor struct {
	net.Conn
	from   string
	closed atomic.Int32
}

func (v *visitor) Close() error { v.closed.Add(1); return nil }
func (v *visitor) RemoteAddr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(v.from))
}

// visit has a client from this address enter; the guest is nil where it was refused.
func visit(c *connLimiter, from string) (*visitor, *limitedConn) {
	v := &visitor{from: from}
	return v, c.acquire(v)
}

func TestCrowdPerClient(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, from, next string
		refused          bool // next, once from's connections are as many as may be
	}{
		{"ErrSameAddress", "192.0.2.1:1", "192.0.2.1:2", true},
		{"ErrSameAddressMapped", "192.0.2.1:1", "[::ffff:192.0.2.1]:2", true},
		{"ErrSameNetwork", "[2001:db8:0:1::1]:1", "[2001:db8:0:1:ffff::9]:2", true},
		{"ErrOtherZone", "[fe80::1%a]:1", "[fe80::2%b]:2", true},
		{"OK/other address", "192.0.2.1:1", "192.0.2.2:1", false},
		{"OK/other network", "[2001:db8:0:1::1]:1", "[2001:db8:0:2::1]:1", false},
		{"OK/loopback", "127.0.0.1:1", "127.0.0.1:2", false},
		{"OK/loopback of IPv6", "[::1]:1", "[::1]:2", false},
		{"OK/loopback mapped", "[::ffff:127.0.0.1]:1", "127.0.0.1:2", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var said bytes.Buffer
			c := newConnLimiter(2*maxPerClient, slog.New(slog.NewTextHandler(&said, nil)))
			var last *limitedConn
			for i := range maxPerClient {
				v, g := visit(c, tt.from)
				if g == nil || v.closed.Load() != 0 {
					t.Fatalf("connection %d of %s: refused", i+1, tt.from)
				}
				last = g
			}
			v, g := visit(c, tt.next)
			if refused := g == nil; refused != tt.refused || v.closed.Load() == 1 != tt.refused {
				t.Fatalf("%s: got refused %v and closed %d times, want refused %v", tt.next, refused, v.closed.Load(), tt.refused)
			}
			_, _ = visit(c, tt.next) // is not reported once more
			if told := strings.Count(said.String(), "connections are refused"); told == 1 != tt.refused || told > 1 {
				t.Errorf("log: got %q", said.String())
			}
			if !tt.refused {
				return
			}
			_ = last.Close()
			if _, g := visit(c, tt.next); g == nil {
				t.Error("after one left: refused")
			}
		})
	}
}

// crowded is how many the crowd of fullCrowd takes, so that three leave at once.
const crowded = 2 * evictFraction

// fullCrowd is a crowd of idle guests, the first of them idle for longest.
func fullCrowd(t *testing.T) (*connLimiter, []*visitor, []*limitedConn) {
	t.Helper()
	c := newConnLimiter(crowded, nil)
	var visitors []*visitor
	var guests []*limitedConn
	for i := range crowded {
		v, g := visit(c, "127.0.0.1:1")
		if g == nil {
			t.Fatalf("connection %d: refused", i+1)
		}
		g.idleSince.Store(int64(i + 1))
		visitors, guests = append(visitors, v), append(guests, g)
	}
	return c, visitors, guests
}

// evicted are the places of those that were closed.
func evicted(visitors []*visitor) (list []int) {
	for i, v := range visitors {
		if v.closed.Load() > 0 {
			list = append(list, i)
		}
	}
	return list
}

func TestCrowdMakesRoom(t *testing.T) {
	t.Parallel()
	t.Run("OK/those idle longest leave", func(t *testing.T) {
		t.Parallel()
		c, visitors, guests := fullCrowd(t)
		trackState(guests[0], http.StateActive) // it serves a request
		trackState(guests[2], http.StateActive)
		trackState(guests[2], http.StateIdle) // it has just become idle
		if _, g := visit(c, "127.0.0.1:2"); g == nil {
			t.Fatal("the newcomer: refused")
		}
		if got, want := evicted(visitors), []int{1, 3, 4}; !slices.Equal(got, want) {
			t.Errorf("evicted: got %v, want %v", got, want)
		}
		if got, want := len(c.conns), crowded-2; got != want {
			t.Errorf("guests: got %d, want %d", got, want)
		}
	})
	t.Run("ErrAllAreBusy", func(t *testing.T) {
		t.Parallel()
		c, visitors, guests := fullCrowd(t)
		for _, g := range guests {
			trackState(&peekedConn{Conn: g}, http.StateActive)
		}
		if v, g := visit(c, "127.0.0.1:2"); g != nil || v.closed.Load() != 1 {
			t.Errorf("the newcomer: got refused %v and closed %d times, want both", g == nil, v.closed.Load())
		}
		if got := evicted(visitors); got != nil {
			t.Errorf("evicted: got %v, want none", got)
		}
	})
	t.Run("ErrClientHasTooMany", func(t *testing.T) {
		t.Parallel()
		c, visitors, _ := fullCrowd(t)
		c.clients[clientPrefix(netip.MustParseAddr("192.0.2.1"))] = maxPerClient
		if _, g := visit(c, "192.0.2.1:1"); g != nil {
			t.Error("the newcomer: taken in")
		}
		if got := evicted(visitors); got != nil {
			t.Errorf("evicted for a client that may not come in: got %v, want none", got)
		}
	})
}

func TestCrowdClose(t *testing.T) {
	t.Parallel()
	c := newConnLimiter(2, nil)
	first, g := visit(c, "192.0.2.1:1")
	second, h := visit(c, "192.0.2.1:2")
	trackState(h, http.StateActive)
	for range 3 {
		if err := g.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
	if first.closed.Load() != 1 || second.closed.Load() != 0 {
		t.Errorf("closed: got %d and %d times, want 1 and 0", first.closed.Load(), second.closed.Load())
	}
	if got := c.clients[h.addr]; got != 1 {
		t.Errorf("connections of the client: got %d, want 1", got)
	}
	if _, g = visit(c, "192.0.2.2:1"); g == nil {
		t.Fatal("the place was not given back")
	}
	_, _ = g.Close(), h.Close()
	if len(c.conns) != 0 || len(c.clients) != 0 {
		t.Errorf("left behind: got %d guests and %d clients, want none", len(c.conns), len(c.clients))
	}
}

func TestCrowdCloseSilent(t *testing.T) {
	t.Parallel()
	c := newConnLimiter(8, nil)
	silent, _ := visit(c, "192.0.2.1:1")
	busy, b := visit(c, "192.0.2.1:2")
	waiting, w := visit(c, "127.0.0.1:1")
	trackState(b, http.StateActive)
	trackState(w, http.StateNew) // which does not make it busy
	c.closeIdle()
	for name, v := range map[string]*visitor{"silent": silent, "waiting": waiting} {
		if v.closed.Load() != 1 {
			t.Errorf("%s: closed %d times, want once", name, v.closed.Load())
		}
	}
	if busy.closed.Load() != 0 {
		t.Error("a connection that serves a request was closed")
	}
	// It was accepted just before the listener was closed, and comes too late.
	if late, g := visit(c, "127.0.0.1:2"); g != nil || late.closed.Load() != 1 {
		t.Error("a connection after those that were silent: taken in, so that nobody ends it")
	}
	_ = b.Close()
}
