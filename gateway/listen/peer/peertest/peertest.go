//go:build linux

// Package peertest connects and listens as another user of the machine, for tests.
package peertest

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"os/user"
	"runtime"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

// Other is a user who is neither root nor the one that the test runs as, and its name.
// Where the test is not root it is skipped, or fails with AXION_REQUIRE_TOOLS=1.
func Other(t testing.TB) (uid int, name string) {
	t.Helper()
	if os.Geteuid() != 0 {
		if os.Getenv("AXION_REQUIRE_TOOLS") == "1" {
			t.Fatal("only root can connect as another user: run the test as root")
		}
		t.Skip("only root can connect as another user: run the test as root")
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		t.Fatal(err)
	}
	if uid, err = strconv.Atoi(nobody.Uid); err != nil {
		t.Fatal(err)
	}
	return uid, nobody.Username
}

// Option changes a socket before it is connected.
type Option func(t testing.TB, fd int)

// From binds the socket to an address, "127.0.0.1" or "::1"; its port is any.
func From(address string) Option {
	return func(t testing.TB, fd int) {
		t.Helper()
		if err := unix.Bind(fd, sockaddr(netip.AddrPortFrom(netip.MustParseAddr(address), 0))); err != nil {
			t.Fatalf("bind to %s: %v", address, err)
		}
	}
}

// OnDevice binds the socket to a network interface, as any user may.
func OnDevice(name string) Option {
	return func(t testing.TB, fd int) {
		t.Helper()
		if err := unix.BindToDevice(fd, name); err != nil {
			t.Fatalf("bind to %s: %v", name, err)
		}
	}
}

// Dial connects to "host:port" by a socket that belongs to a user: to the kernel that is
// whoever opens it. An address such as [::ffff:127.0.0.1]:80 makes it one of IPv6.
func Dial(t testing.TB, uid int, address string, options ...Option) *net.TCPConn {
	t.Helper()
	to := netip.MustParseAddrPort(address)
	family := unix.AF_INET
	if to.Addr().Is6() {
		family = unix.AF_INET6
	}
	fd := open(t, uid, family)
	for _, o := range options {
		o(t, fd)
	}
	err := unix.Connect(fd, sockaddr(to))
	file := os.NewFile(uintptr(fd), address)
	defer func() { _ = file.Close() }()
	if err != nil {
		t.Fatalf("connect to %s: %v", address, err)
	}
	c, err := net.FileConn(file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c.(*net.TCPConn)
}

// Listen listens at "host:port" by a socket that belongs to a user; port 0 is a free one.
func Listen(t testing.TB, uid int, address string) *net.TCPListener {
	t.Helper()
	at := netip.MustParseAddrPort(address)
	family := unix.AF_INET
	if at.Addr().Is6() {
		family = unix.AF_INET6
	}
	fd := open(t, uid, family)
	file := os.NewFile(uintptr(fd), address)
	defer func() { _ = file.Close() }()
	if err := errors.Join(unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1), unix.Bind(fd, sockaddr(at)),
		unix.Listen(fd, 64)); err != nil {
		t.Fatalf("listen at %s: %v", address, err)
	}
	l, err := net.FileListener(file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l.(*net.TCPListener)
}

// Accept accepts a connection as a user, whose it is then.
func Accept(uid int, l net.Listener) (c net.Conn, err error) {
	err = as(uid, func() (err error) { c, err = l.Accept(); return err })
	return c, err
}

// open makes a socket as a user.
func open(t testing.TB, uid, family int) (fd int) {
	t.Helper()
	err := as(uid, func() (err error) {
		fd, err = unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return fd
}

// as has f run on a thread whose files are a user's, which is put back before the thread
// does anything else.
func as(uid int, f func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if _, _, err := unix.RawSyscall(unix.SYS_SETFSUID, uintptr(uid), 0, 0); err != 0 {
		return err
	}
	defer func() {
		if _, _, err := unix.RawSyscall(unix.SYS_SETFSUID, uintptr(os.Geteuid()), 0, 0); err != 0 {
			panic(err) // the thread is another user's for good
		}
	}()
	return f()
}

func sockaddr(at netip.AddrPort) unix.Sockaddr {
	if at.Addr().Is4() {
		return &unix.SockaddrInet4{Addr: at.Addr().As4(), Port: int(at.Port())}
	}
	return &unix.SockaddrInet6{Addr: at.Addr().As16(), Port: int(at.Port())}
}
