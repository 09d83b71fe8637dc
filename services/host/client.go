package host

import (
	"context"
	"net"
	"net/http"
	"time"
)

// dialTimeout bounds connecting to a service.
const dialTimeout = 5 * time.Second

// Client returns a client for services of this machine. It uses no proxy, and follows no
// redirect, which could carry a password elsewhere. check is called with each new connection
// before anything is sent, and its error is the request's; nil means no check. localhost is
// ::1 too, also where the hosts file has only 127.0.0.1. No connection is reused. It is safe
// for concurrent use.
func Client(check func(net.Conn) error) *http.Client {
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		dialer := net.Dialer{Timeout: dialTimeout}
		c, err := dialer.DialContext(ctx, network, address)
		if name, port, _ := net.SplitHostPort(address); err != nil && name == "localhost" && ctx.Err() == nil {
			if six, failed := dialer.DialContext(ctx, network, net.JoinHostPort("::1", port)); failed == nil {
				c, err = six, nil
			}
		}
		if err != nil || check == nil {
			return c, err
		}
		if err := check(c); err != nil {
			_ = c.Close()
			return nil, err
		}
		return c, nil
	}
	return &http.Client{
		Transport:     &http.Transport{DialContext: dial, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
