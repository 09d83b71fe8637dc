package cancellation_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"go.uber.org/goleak"

	"axion/gateway/cancellation"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 20 * time.Second

// noted is a connection whose reads are noted.
type noted struct {
	net.Conn
	reads cancellation.Conn
}

func (n *noted) Read(p []byte) (int, error) {
	c, err := n.Conn.Read(p)
	if err != nil {
		n.reads.ReadFailed(err)
	}
	return c, err
}

type listener struct{ net.Listener }

func (l listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &noted{Conn: c}, nil
}

// serve is a server of net/http that notes the reads of its connections.
func serve(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Listener = listener{s.Listener}
	s.Config.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		return cancellation.WithConn(context.WithValue(ctx, connKey{}, c), &c.(*noted).reads)
	}
	s.Start()
	t.Cleanup(s.Close)
	return s
}

type connKey struct{}

// TestCause distinguishes the ends of a request over HTTP/1, at once when its context has.
func TestCause(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		request string
		end     func(w http.ResponseWriter, r *http.Request, at *noted, client net.Conn)
		want    error
		status  int
	}{
		"BodyTimeout": {request: "Content-Length: 9\r\n\r\nabc", end: func(w http.ResponseWriter, _ *http.Request, _ *noted, _ net.Conn) {
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(20 * time.Millisecond))
		}, want: cancellation.ErrBodyTimeout, status: 408},
		"Left": {request: "Content-Length: 9\r\n\r\nabc", end: func(_ http.ResponseWriter, _ *http.Request, _ *noted, client net.Conn) {
			_ = client.Close()
		}, want: context.Canceled, status: 499},
		"LeftNoBody": {request: "\r\n", end: func(_ http.ResponseWriter, _ *http.Request, _ *noted, client net.Conn) {
			_ = client.Close()
		}, want: context.Canceled, status: 499},
		"Closed": {request: "Content-Length: 9\r\n\r\nabc", end: func(_ http.ResponseWriter, _ *http.Request, at *noted, _ net.Conn) {
			_ = at.Close()
		}, want: cancellation.ErrStopping, status: 503},
		"Interrupted": {request: "Content-Length: 9\r\n\r\nabc", end: func(w http.ResponseWriter, r *http.Request, _ *noted, _ net.Conn) {
			if !cancellation.Interrupt(r) {
				panic("there is nothing to interrupt")
			}
			_ = http.NewResponseController(w).SetReadDeadline(time.Unix(1, 0))
		}, want: cancellation.ErrInterrupted, status: 502},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, alive := make(chan error, 1), make(chan error, 1)
			clients := make(chan net.Conn, 1)
			s := serve(t, func(w http.ResponseWriter, r *http.Request) {
				at := r.Context().Value(connKey{}).(*noted)
				at.reads.Begin(r.ContentLength > 0)
				alive <- cancellation.Cause(r.Context())
				go func() { c.end(w, r, at, <-clients) }()
				_, _ = io.Copy(io.Discard, r.Body)
				<-r.Context().Done()
				got <- cancellation.Cause(r.Context())
			})
			client, err := net.Dial("tcp", s.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			_, _ = io.WriteString(client, "POST / HTTP/1.1\r\nHost: a\r\n"+c.request)
			clients <- client
			if cause := <-alive; cause != nil {
				t.Errorf("before the end: got %v", cause)
			}
			select {
			case cause := <-got:
				if !errors.Is(cause, c.want) || cancellation.Status(cause) != c.status {
					t.Errorf("got %v and %d, want %v and %d", cause, cancellation.Status(cause), c.want, c.status)
				}
			case <-time.After(patience):
				t.Fatal("the request has not ended")
			}
		})
	}
}

// TestCauseOfContexts are those that no read of a connection has ended.
func TestCauseOfContexts(t *testing.T) {
	t.Parallel()
	late, cancelLate := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancelLate()
	// Net/http may end the context at the deadline before its own timer has.
	parent, end := context.WithCancel(t.Context())
	both, cancelBoth := context.WithDeadline(parent, time.Now().Add(time.Millisecond))
	defer cancelBoth()
	for end(); time.Until(deadlineOf(both)) > 0; {
		time.Sleep(time.Until(deadlineOf(both)))
	}
	stopping, stop := context.WithCancelCause(t.Context())
	stop(cancellation.ErrStopping)
	gone, leave := context.WithCancel(t.Context())
	leave()
	for name, c := range map[string]struct {
		ctx  context.Context
		want error
	}{
		"Alive": {t.Context(), nil}, "Deadline": {late, context.DeadlineExceeded}, "DeadlineSecond": {both, context.DeadlineExceeded},
		"Stopping": {stopping, cancellation.ErrStopping}, "Gone": {gone, context.Canceled},
	} {
		if got := cancellation.Cause(c.ctx); !errors.Is(got, c.want) {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}

func deadlineOf(ctx context.Context) time.Time {
	d, _ := ctx.Deadline()
	return d
}

// TestConn has the first end of a request stay, and not reach the next request.
func TestConn(t *testing.T) {
	t.Parallel()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	timeout := &net.OpError{Op: "read", Err: timeoutError()}
	var c cancellation.Conn
	ctx := cancellation.WithConn(ended, &c)
	r := httptest.NewRequest(http.MethodPost, "/", nil).WithContext(ctx)
	check := func(what string, want error) {
		t.Helper()
		if got := cancellation.Cause(ctx); !errors.Is(got, want) {
			t.Errorf("%s: got %v, want %v", what, got, want)
		}
	}
	c.ReadFailed(timeout) // that of a handshake, or of an idle connection
	check("a timeout without a body", context.Canceled)
	c.Begin(true)
	c.ReadFailed(timeout)
	c.ReadFailed(io.EOF)
	check("the client leaves after the timeout", cancellation.ErrBodyTimeout)
	c.Begin(true)
	if cancellation.Interrupted(r) || !cancellation.Interrupt(r) || !cancellation.Interrupted(r) {
		t.Error("a body that is to be read is not interrupted")
	}
	c.ReadFailed(timeout)
	check("a timeout by the interruption", cancellation.ErrInterrupted)
	c.Begin(true)
	c.Complete()
	if cancellation.Interrupt(r) || cancellation.Interrupted(r) {
		t.Error("what follows a body is interrupted")
	}
	c.ReadFailed(io.EOF)
	c.ReadFailed(net.ErrClosed)
	c.Begin(true)
	check("a client that has left stays so", context.Canceled)
	if r.ProtoMajor = 2; !cancellation.Interrupt(r) {
		t.Error("a stream's deadline is none of the connection's")
	}
}

// timeoutError is the one of a deadline that was met.
func timeoutError() error {
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	_ = a.SetReadDeadline(time.Unix(1, 0))
	_, err := a.Read(make([]byte, 1))
	return err
}

// TestDetach lets work go on for clients that wait for an answer, and for no others.
func TestDetach(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		end   func(*cancellation.Conn)
		alive bool
	}{
		"BodyTimeout": {func(c *cancellation.Conn) { c.ReadFailed(timeoutError()) }, true},
		"Left":        {func(c *cancellation.Conn) { c.ReadFailed(io.EOF) }, false},
		"Closed":      {func(c *cancellation.Conn) { c.ReadFailed(net.ErrClosed) }, false},
	} {
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		var at cancellation.Conn
		at.Begin(true)
		c.end(&at)
		ctx, release := cancellation.Detach(cancellation.WithConn(ended, &at))
		if _, bounded := ctx.Deadline(); (ctx.Err() == nil) != c.alive || bounded != c.alive {
			t.Errorf("%s: got %v, bounded %t, want it alive: %t", name, ctx.Err(), bounded, c.alive)
		}
		release()
	}
}
