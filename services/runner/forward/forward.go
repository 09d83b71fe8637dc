// Package forward passes TCP connections from one address of this machine on to another.
package forward

import (
	"context"
	"io"
	"net"
	"sync"
)

// Forwarder listens at an address, and passes on what comes. It is safe for concurrent use.
type Forwarder struct {
	listener net.Listener
	target   func() string
	ctx      context.Context //nolint:containedctx // of the connections, not of a call
	cancel   context.CancelFunc
	wg       sync.WaitGroup
}

// Listen opens a forwarder to the "host:port" that target returns at each connection. Use
// Close to end it.
func Listen(address string, target func() string) (*Forwarder, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	return Serve(l, target), nil
}

// Serve is [Listen] with a TCP listener, which the forwarder owns.
func Serve(l net.Listener, target func() string) *Forwarder {
	f := &Forwarder{listener: l, target: target}
	f.ctx, f.cancel = context.WithCancel(context.Background())
	f.wg.Go(f.accept)
	return f
}

// Addr is where the forwarder listens.
func (f *Forwarder) Addr() net.Addr { return f.listener.Addr() }

// Close ends the forwarder and its connections. It can be called again.
func (f *Forwarder) Close() {
	f.cancel()
	_ = f.listener.Close()
	f.wg.Wait()
}

func (f *Forwarder) accept() {
	for {
		c, err := f.listener.Accept()
		if err != nil {
			return // it is closed
		}
		f.wg.Go(func() { f.pass(c.(*net.TCPConn)) })
	}
}

// pass passes a connection on until both sides have ended it. Where nothing listens at the
// target it is reset, as the target's own port would refuse it.
func (f *Forwarder) pass(in *net.TCPConn) {
	defer func() { _ = in.Close() }()
	c, err := new(net.Dialer).DialContext(f.ctx, "tcp", f.target())
	if err != nil {
		_ = in.SetLinger(0)
		return
	}
	out := c.(*net.TCPConn)
	defer func() { _ = out.Close() }()
	closeBoth := func() { _ = in.Close(); _ = out.Close() }
	stop := context.AfterFunc(f.ctx, closeBoth)
	defer stop()
	var wg sync.WaitGroup
	half := func(to, from *net.TCPConn) {
		if _, err := io.Copy(to, from); err != nil || to.CloseWrite() != nil {
			closeBoth() // the other side may wait for ever
		}
	}
	wg.Go(func() { half(out, in) })
	wg.Go(func() { half(in, out) })
	wg.Wait()
}
