package proxy_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"axion/gateway/cancellation"
	"axion/gateway/config"
	"axion/gateway/inbound"
)

// notedConn is a client's connection whose reads are noted.
type notedConn struct {
	net.Conn
	reads cancellation.Conn
}

func (n *notedConn) Reads() *cancellation.Conn { return &n.reads }
func (n *notedConn) Read(p []byte) (int, error) {
	c, err := n.Conn.Read(p)
	if err != nil {
		n.reads.ReadFailed(err)
	}
	return c, err
}

type notedListener struct{ net.Listener }

func (l notedListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &notedConn{Conn: c}, nil
}

// heldBody informs its reader of a failure only once given is closed.
type heldBody struct {
	io.ReadCloser
	given <-chan struct{}
}

func (h heldBody) Read(p []byte) (int, error) {
	n, err := h.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		select {
		case <-h.given:
		case <-time.After(patience):
		}
	}
	return n, err
}

// TestBodyTooSlowHeld answers 408 although the one who reads the body hears of the
// deadline only after the request was given up for the end of its context; and 499, as
// the log has it, where the client has left in the same way.
func TestBodyTooSlowHeld(t *testing.T) {
	t.Parallel()
	limit := config.Duration(50 * time.Millisecond)
	for _, scheme := range schemes {
		for name, status := range map[string]int{"Slow": http.StatusRequestTimeout, "Left": cancellation.StatusClientGone} {
			t.Run(scheme+"/"+name, func(t *testing.T) {
				t.Parallel()
				come, given := make(chan struct{}), make(chan struct{})
				s := scenario{server: func(_ net.Conn, r *bufio.Reader) {
					if _, err := http.ReadRequest(r); err == nil {
						close(come)
						_, _ = io.Copy(io.Discard, r)
						close(given)
					}
				}}
				c := &config.EntryPoint{Transport: &config.Transport{RespondingTimeouts: &config.RespondingTimeouts{}}}
				if name == "Slow" {
					c.Transport.RespondingTimeouts.ReadTimeout = &limit
				}
				policy, errs := inbound.New(c)
				if len(errs) > 0 {
					t.Fatal(errs)
				}
				got := make(chan int, 1)
				next := balancerOf(t, scheme, s)
				front := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					r, end := policy.Bound(w, r)
					defer end()
					r.Body = heldBody{policy.Body(r), given}
					noted := &statusWriter{ResponseWriter: w}
					next.ServeHTTP(noted, r)
					got <- noted.status
				}))
				front.Listener = notedListener{front.Listener}
				front.Config.ConnContext = inbound.WithConnection
				front.Start()
				t.Cleanup(front.Close)
				client, err := net.Dial("tcp", front.Listener.Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				defer client.Close()
				_, _ = io.WriteString(client, begin+"Content-Length: 100000\r\n\r\nabc")
				if <-come; name == "Left" {
					_ = client.Close()
				}
				select {
				case code := <-got:
					if code != status {
						t.Errorf("got %d, want %d", code, status)
					}
				case <-time.After(2 * patience):
					t.Fatal("the request does not end")
				}
			})
		}
	}
}

// statusWriter notes the status.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (s *statusWriter) Unwrap() http.ResponseWriter { return s.ResponseWriter }
func (s *statusWriter) WriteHeader(status int) {
	s.status = status
	s.ResponseWriter.WriteHeader(status)
}

// TestSlowUploadAtDeadline blames the client, not the server, where the answer's time is
// over while the body is still to come.
func TestSlowUploadAtDeadline(t *testing.T) {
	t.Parallel()
	for _, scheme := range schemes {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			next := balancerOf(t, scheme, scenario{server: answersOnceNever})
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			silent := &silentBody{ended: make(chan struct{})}
			r := httptest.NewRequest(http.MethodPost, "/", silent).WithContext(ctx)
			r.ContentLength = -1
			w := httptest.NewRecorder()
			next.ServeHTTP(silencer{w, silent}, r)
			if w.Code != http.StatusRequestTimeout {
				t.Errorf("got %d, want 408", w.Code)
			}
		})
	}
}

// silentBody never comes; a deadline in the past ends it.
type silentBody struct{ ended chan struct{} }

func (s *silentBody) Read([]byte) (int, error) {
	<-s.ended
	return 0, os.ErrDeadlineExceeded
}

type silencer struct {
	http.ResponseWriter
	body *silentBody
}

func (s silencer) EnableFullDuplex() error { return nil }
func (s silencer) SetReadDeadline(time.Time) error {
	select {
	case <-s.body.ended:
	default:
		close(s.body.ended)
	}
	return nil
}
