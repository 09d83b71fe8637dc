// Package listen opens listeners on this machine alone: by default on both
// loopback addresses, IPv4 and IPv6, because clients differ in which of them
// they take "localhost" for.
package listen

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// portTries bounds the search for a port that is free on both families.
const portTries = 64

// Listen opens addr for TCP: "host:port", ":port" or "port".
//
// No host, or "localhost", means 127.0.0.1 and ::1 on the same port, merged
// into one listener whose Addr is the IPv4 one; on a machine without IPv6 it is
// 127.0.0.1 alone. Any other host is used as it is: "0.0.0.0:80" opens the port
// to the network. Port 0 picks one that is free on both families.
//
// The error is a [*Busy], a [*Denied] or an [*Absent] where it is one of these.
func Listen(addr string) (net.Listener, error) {
	host, port, err := split(addr)
	if err != nil {
		return nil, err
	}
	if host != "" && host != "localhost" {
		return open(host, port)
	}
	for range portTries {
		var l net.Listener
		l, err = loopback(port)
		// A port that one family just picked may be taken in the other.
		if _, busy := errors.AsType[*Busy](err); port == 0 && busy {
			continue
		}
		return l, err
	}
	return nil, fmt.Errorf("no port is free on both 127.0.0.1 and ::1: %w", err)
}

func split(addr string) (host string, port int, err error) {
	text := addr
	if strings.Contains(addr, ":") {
		if host, text, err = net.SplitHostPort(addr); err != nil {
			return "", 0, addressError(addr, err.Error())
		}
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return "", 0, addressError(addr, fmt.Sprintf("port %q is not a number from 0 to 65535", text))
	}
	return host, int(n), nil
}

func addressError(addr, reason string) error {
	return &flagError{fmt.Sprintf("%q is not an address such as localhost:8080: %s", addr, reason),
		"give host:port, or a port for localhost; 0.0.0.0 is every address of this machine, and port 0 a free port"}
}

func loopback(port int) (net.Listener, error) {
	four, err := open("127.0.0.1", port)
	if err != nil {
		return nil, err
	}
	six, err := open("::1", four.Addr().(*net.TCPAddr).Port)
	if isAny(err, unsupportedFamily) {
		return four, nil
	}
	if err != nil {
		_ = four.Close()
		return nil, err
	}
	return merge(four, six), nil
}

func open(host string, port int) (net.Listener, error) {
	addr := net.JoinHostPort(host, strconv.Itoa(port))
	l, err := net.Listen("tcp", addr)
	switch {
	case err == nil:
		return l, nil
	case isAny(err, inUse):
		return nil, &Busy{Addr: addr, Port: port, Err: err}
	case isAny(err, noPermission):
		return nil, &Denied{Addr: addr, Port: port, Err: err}
	case isAny(err, notOurs):
		return nil, &Absent{Addr: addr, Err: err}
	}
	return nil, fmt.Errorf("listen on %s: %w", addr, err)
}

// Windows reports Winsock's own codes, which package syscall does not name the
// same; no other system has errors of these numbers.
var (
	inUse             = []syscall.Errno{syscall.EADDRINUSE, 10048}
	noPermission      = []syscall.Errno{syscall.EACCES, syscall.EPERM, 10013}
	notOurs           = []syscall.Errno{syscall.EADDRNOTAVAIL, 10049}
	unsupportedFamily = []syscall.Errno{syscall.EAFNOSUPPORT, syscall.EADDRNOTAVAIL, syscall.EPROTONOSUPPORT, 10047, 10049}
)

func isAny(err error, codes []syscall.Errno) bool {
	return slices.ContainsFunc(codes, func(c syscall.Errno) bool { return errors.Is(err, c) })
}
