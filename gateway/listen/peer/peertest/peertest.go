//go:build linux

// Package peertest connects as another user of the machine, for tests.
package peertest

import (
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

// open makes a socket as a user. The user of a thread's files is changed for that, and
// put back before the thread does anything else.
func open(t testing.TB, uid, family int) int {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if _, _, err := unix.RawSyscall(unix.SYS_SETFSUID, uintptr(uid), 0, 0); err != 0 {
		t.Fatal(err)
	}
	fd, failed := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if _, _, err := unix.RawSyscall(unix.SYS_SETFSUID, uintptr(os.Geteuid()), 0, 0); err != 0 {
		panic(err) // the thread is another user's for good
	}
	if failed != nil {
		t.Fatal(failed)
	}
	return fd
}

func sockaddr(at netip.AddrPort) unix.Sockaddr {
	if at.Addr().Is4() {
		return &unix.SockaddrInet4{Addr: at.Addr().As4(), Port: int(at.Port())}
	}
	return &unix.SockaddrInet6{Addr: at.Addr().As16(), Port: int(at.Port())}
}
