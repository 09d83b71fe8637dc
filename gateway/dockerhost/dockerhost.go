// Package dockerhost finds this machine by the names that containers know it by.
//
// A file made for containers says host.docker.internal where it means the machine that
// they run on. Docker Desktop puts the name into the hosts file of that machine too; a
// Docker Engine does not.
package dockerhost

import (
	"context"
	"net"
	"strings"
	"sync"
	"time"
)

const (
	// lookupTime bounds the question whether a name resolves, and keepTime is how long the
	// answer counts.
	lookupTime = time.Second
	keepTime   = 30 * time.Second
)

const localhost = "localhost"

// Is says whether a host is one of the names that Docker gives the machine it runs on.
func Is(host string) bool {
	host = strings.TrimSuffix(host, ".")
	return strings.EqualFold(host, "host.docker.internal") || strings.EqualFold(host, "gateway.docker.internal")
}

// unresolved are the names that did not resolve, and when that was found.
var unresolved sync.Map

// Dialer is a [net.Dialer] that takes those names for this machine's loopback where they
// do not resolve. Like that one it is safe for concurrent use.
type Dialer struct {
	net.Dialer
	// Check looks at a connection before anything is sent: one for which it has an error
	// is closed, and the error is that of dialing. Nil means none.
	Check func(net.Conn) error
}

// DialContext connects as [net.Dialer.DialContext] does; localhost is ::1 too, also where
// the hosts file does not say so.
func (d *Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	to := Local(ctx, address)
	c, err := d.Dialer.DialContext(ctx, network, to)
	if host, port, _ := net.SplitHostPort(to); err != nil && host == localhost && ctx.Err() == nil {
		if six, failed := d.Dialer.DialContext(ctx, network, net.JoinHostPort("::1", port)); failed == nil {
			c, err = six, nil
		}
	}
	if err != nil || d.Check == nil {
		return c, err
	}
	if err := d.Check(c); err != nil {
		_ = c.Close()
		return nil, &net.OpError{Op: "dial", Net: network, Addr: c.RemoteAddr(), Err: err}
	}
	return c, nil
}

// Local is the "host:port" to connect to in place of one by such a name, which is
// returned where it resolves, as every other is.
func Local(ctx context.Context, address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil || !Is(host) {
		return address
	}
	host = strings.ToLower(host)
	if at, ok := unresolved.Load(host); !ok || time.Since(at.(time.Time)) > keepTime {
		look, cancel := context.WithTimeout(ctx, lookupTime)
		defer cancel()
		if _, err := net.DefaultResolver.LookupHost(look, host); err == nil {
			return address
		}
		if ctx.Err() != nil {
			return address
		}
		unresolved.Store(host, time.Now())
	}
	return net.JoinHostPort(localhost, port)
}
