package peer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"syscall"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

const (
	// queries is how many run side by side at most; each has a netlink socket.
	queries = 4
	// queryTime bounds one, with the wait for its turn.
	queryTime = 500 * time.Millisecond
)

// The layout of linux/inet_diag.h: struct inet_diag_req_v2 and struct inet_diag_msg.
const (
	requestSize = 56
	answerSize  = 72
	idOffset    = 8 // of struct inet_diag_sockid in a request; 4 in an answer
	anyCookie   = ^uint64(0)
	tcpListen   = 10 // TCP_LISTEN of linux/tcp_states.h
	tcpOpen     = 1  // TCP_ESTABLISHED
	tcpOpening  = 3  // TCP_SYN_RECV
	loopbackIf  = 1  // the index of the loopback interface, in every network namespace
)

// table asks the kernel for sockets. It keeps its netlink
// sockets until the process ends.
type table struct {
	turns chan struct{}      // one for each query that may run
	idle  chan *netlink.Conn // those that are open
}

func newTable() table {
	return table{turns: make(chan struct{}, queries), idle: make(chan *netlink.Conn, queries)}
}

// socket is one end of a connection.
type socket struct{ uid uint32 }

// server is whose the other end is of a connection that this process made: the socket's
// that has accepted it, or, while none has, that of the listener in whose queue it is. The
// error is errGone where it has ended, and errElsewhere where this machine has no such
// socket.
func (t *table) server(at, other netip.AddrPort) (socket, error) {
	for range 3 { // it may be accepted between two looks
		s, err := t.find(at, other)
		switch {
		case err == nil:
			return s, nil
		case !errors.Is(err, errQueued):
			return s, err
		}
		listener, err := t.find(at, netip.AddrPortFrom(unspecified(at.Addr()), 0))
		if err != nil && !errors.Is(err, errElsewhere) {
			return socket{}, err
		}
		// One that is queued still was so meanwhile: its listener was there, and beside
		// that no other user's can be.
		if _, again := t.find(at, other); errors.Is(again, errQueued) && err == nil {
			return listener, nil
		}
	}
	return socket{}, errGone
}

func unspecified(a netip.Addr) netip.Addr {
	if a.Is4() {
		return netip.IPv4Unspecified()
	}
	return netip.IPv6Unspecified()
}

// find gives the socket at an end of a TCP connection, by its own address and the
// other's; no port of the other's is a listener. The error is errGone where there is none
// that a process has open: errElsewhere where there is none at all, and errQueued where
// none has accepted it yet.
func (t *table) find(at, other netip.AddrPort) (socket, error) {
	deadline := time.Now().Add(queryTime)
	timer := time.NewTimer(queryTime)
	defer timer.Stop()
	select {
	case t.turns <- struct{}{}:
		defer func() { <-t.turns }()
	case <-timer.C:
		return socket{}, errors.New("the kernel's table of sockets is busy")
	}
	s, err := t.ask(at, other, zone(at.Addr()), deadline)
	if errors.Is(err, errGone) && at.Addr().IsLoopback() {
		return t.ask(at, other, loopbackIf, deadline) // a socket that is bound to the device is found by it alone
	}
	return s, err
}

// ask is one query. Where it fails its netlink socket is closed: an answer that comes
// late would be taken for the next one's.
func (t *table) ask(at, other netip.AddrPort, device uint32, deadline time.Time) (socket, error) {
	conn, err := t.open()
	if err != nil {
		return socket{}, err
	}
	if err = conn.SetDeadline(deadline); err != nil {
		return socket{}, errors.Join(err, conn.Close())
	}
	answers, err := conn.Execute(netlink.Message{
		Header: netlink.Header{Type: unix.SOCK_DIAG_BY_FAMILY, Flags: netlink.Request}, Data: request(at, other, device),
	})
	if err != nil && !errors.Is(err, unix.ENOENT) {
		return socket{}, fmt.Errorf("ask for a socket: %w", errors.Join(err, conn.Close()))
	}
	t.idle <- conn // there are as many places as turns
	if err != nil || len(answers) != 1 {
		return socket{}, errElsewhere
	}
	return answer(answers[0].Data, at, other)
}

func (t *table) open() (*netlink.Conn, error) {
	select {
	case conn := <-t.idle:
		return conn, nil
	default:
	}
	conn, err := netlink.Dial(unix.NETLINK_SOCK_DIAG, nil)
	if err != nil {
		return nil, fmt.Errorf("open a socket for sock_diag: %w", err)
	}
	return conn, nil
}

func (t *table) close() {
	for range len(t.idle) {
		_ = (<-t.idle).Close()
	}
}

// request is a struct inet_diag_req_v2 for exactly one socket.
func request(at, other netip.AddrPort, device uint32) []byte {
	b := make([]byte, requestSize)
	b[0], b[1] = unix.AF_INET, unix.IPPROTO_TCP
	if at.Addr().Is6() {
		b[0] = unix.AF_INET6
	}
	binary.NativeEndian.PutUint32(b[4:], ^uint32(0)) // in any state
	id := b[idOffset:]
	binary.BigEndian.PutUint16(id, at.Port())
	binary.BigEndian.PutUint16(id[2:], other.Port())
	copy(id[4:], at.Addr().AsSlice())
	copy(id[20:], other.Addr().AsSlice())
	binary.NativeEndian.PutUint32(id[36:], device)
	binary.NativeEndian.PutUint64(id[40:], anyCookie)
	return b
}

// answer reads a struct inet_diag_msg. A socket that no process has open any more is
// root's, the kernel says: its inode is 0. And where no connection is found, what
// listens at its address may be.
func answer(b []byte, at, other netip.AddrPort) (socket, error) {
	if len(b) < answerSize {
		return socket{}, fmt.Errorf("an answer of %d bytes about a socket", len(b))
	}
	id := b[4:]
	inode := binary.NativeEndian.Uint32(b[68:])
	same := binary.BigEndian.Uint16(id) == at.Port() && binary.BigEndian.Uint16(id[2:]) == other.Port()
	if other.Port() == 0 {
		if b[1] != tcpListen || !same || inode == 0 {
			return socket{}, errGone
		}
		return socket{uid: binary.NativeEndian.Uint32(b[64:])}, nil
	}
	same = same && in(b[0], id[4:20]) == at.Addr().WithZone("") && in(b[0], id[20:36]) == other.Addr().WithZone("")
	switch {
	case b[1] == tcpListen || !same:
		return socket{}, errElsewhere
	case inode == 0 && (b[1] == tcpOpen || b[1] == tcpOpening):
		return socket{}, errQueued
	case inode == 0:
		return socket{}, errGone
	}
	return socket{uid: binary.NativeEndian.Uint32(b[64:])}, nil
}

// in is an address in an answer, IPv4 as such: a socket of IPv6 has it mapped.
func in(family byte, b []byte) netip.Addr {
	if family == unix.AF_INET {
		b = b[:4]
	}
	a, _ := netip.AddrFromSlice(b)
	return a.Unmap()
}

// zone is the index of an address's interface, 0 for none.
func zone(a netip.Addr) uint32 {
	if a.Zone() == "" {
		return 0
	}
	if n, err := strconv.ParseUint(a.Zone(), 10, 32); err == nil {
		return uint32(n)
	}
	i, err := net.InterfaceByName(a.Zone())
	if err != nil {
		return 0
	}
	return uint32(i.Index)
}

// reset reports whether a connection was ended from the other end, both ways: its
// addresses are free then. One that was only half closed is not.
func reset(c net.Conn) (ended bool) {
	s, ok := c.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return true
	}
	err = raw.Control(func(fd uintptr) {
		at := []unix.PollFd{{Fd: int32(fd)}}
		_, err := unix.Poll(at, 0)
		ended = err == nil && at[0].Revents&(unix.POLLERR|unix.POLLHUP) != 0
	})
	return ended || err != nil
}

// available connects to itself, and asks for that connection.
func available() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("try sock_diag: %w", err)
	}
	defer func() { _ = l.Close() }()
	c, err := net.DialTimeout("tcp", l.Addr().String(), queryTime)
	if err != nil {
		return fmt.Errorf("try sock_diag: %w", err)
	}
	defer func() { _ = c.Close() }()
	local, _ := address(c.LocalAddr())
	remote, _ := address(c.RemoteAddr())
	t := newTable()
	defer t.close()
	if _, err = t.find(local, remote); errors.Is(err, errGone) {
		return errors.New("sock_diag does not find a connection that there is: the kernel module tcp_diag may be missing")
	}
	return err
}
