package web

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"axion/web/client"
	"axion/web/live"
)

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func TestNew(t *testing.T) {
	t.Parallel()
	assets := os.DirFS("../embed/dashboard")
	token := func(context.Context) (string, error) { return goodToken, nil }
	tests := []struct {
		name string
		opts Options
		want string
	}{
		{"ErrListener", Options{Assets: assets}, "option Listener is missing"},
		{"ErrAssets", Options{Listener: listen(t)}, "option Assets is missing"},
		{"ErrAssetsEmpty", Options{Listener: listen(t), Assets: fstest.MapFS{}}, "option Assets: open index.html"},
		{"ErrGraph", Options{Listener: listen(t), Assets: assets,
			Client: &client.Options{Graph: "graph.localhost", Gateway: "127.0.0.1:1", Token: token}}, "option Client.Graph"},
		{"ErrGateway", Options{Listener: listen(t), Assets: assets, Client: &client.Options{Graph: "https://graph.localhost", Token: token}},
			"option Client.Gateway is missing"},
		{"ErrToken", Options{Listener: listen(t), Assets: assets,
			Client: &client.Options{Graph: "https://graph.localhost", Gateway: "127.0.0.1:1"}},
			"option Client.Token is missing"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := New(tt.opts)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got error %v, want %q in it", err, tt.want)
			}
		})
	}
}

func TestClose(t *testing.T) {
	t.Parallel()
	t.Run("OKWithoutRun", func(t *testing.T) {
		t.Parallel()
		l := listen(t)
		server, err := New(Options{Listener: l, Assets: os.DirFS("../embed/dashboard")})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := server.Close(t.Context()); err != nil {
				t.Errorf("Close: %v", err)
			}
		}
		if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("got error %v of the listener, want it closed", err)
		}
	})
	t.Run("OKEndsRun", func(t *testing.T) {
		t.Parallel()
		s := newStack()
		server, err := New(s.options(t, "127.0.0.1:0", newFakeGraph(t)))
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- server.Run(context.WithoutCancel(t.Context())) }()
		page := s.page(t)
		page.next(live.KindSnapshot)
		ahead, err := net.Dial("tcp", server.opts.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = ahead.Close() }()
		// Less than the 5 s that net/http gives a connection to send something.
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
		defer cancel()
		if err := server.Close(ctx); err != nil {
			t.Errorf("Close: %v", err)
		}
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
		page.closed(1001)
	})
	t.Run("OKAcceptedBefore", func(t *testing.T) {
		t.Parallel()
		server, err := New(Options{Listener: listen(t), Assets: os.DirFS("../embed/dashboard")})
		if err != nil {
			t.Fatal(err)
		}
		if err := server.Close(t.Context()); err != nil {
			t.Errorf("Close: %v", err)
		}
		client, accepted := net.Pipe()
		server.http.ConnState(accepted, http.StateNew) // net/http says it only now
		if _, err := client.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("got %v, want the connection closed", err)
		}
	})
	t.Run("ErrListenerFails", func(t *testing.T) {
		t.Parallel()
		broken := errors.New("no more files")
		server, err := New(Options{Listener: failingListener{listen(t), broken}, Assets: os.DirFS("../embed/dashboard")})
		if err != nil {
			t.Fatal(err)
		}
		if err := server.Run(t.Context()); !errors.Is(err, broken) {
			t.Errorf("got error %v, want %v", err, broken)
		}
	})
}

type failingListener struct {
	net.Listener
	err error
}

func (l failingListener) Accept() (net.Conn, error) { return nil, l.err }
