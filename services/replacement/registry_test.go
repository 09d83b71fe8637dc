package replacement

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestAddress(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"127.0.0.1:1": "127.0.0.1:1", ":2": "localhost:2", "3": "localhost:3",
		"localhost:8": "localhost:8", "0.0.0.0:4": "127.0.0.1:4", "[::]:5": "127.0.0.1:5",
		"[::1]:6": "[::1]:6", "shop:7": "shop:7", "": "", "x": "", "127.0.0.1:0": "", "a:b:c": "", "127.0.0.1:70000": ""} {
		if got, err := Address(text); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: got %q, %v, want %q", text, got, err, want)
		}
	}
}

// TestRegistry: a registrant is there for as long as its connection, and one without the
// secret, or whom the stack refuses, never.
func TestRegistry(t *testing.T) {
	t.Parallel()
	moves := make(chan []string, 10)
	r, err := New(Options{Fixed: map[string][]string{"shop": {"127.0.0.1:1"}}, CheckReplaceable: func(service string) error {
		if service == "other" {
			return errors.New("not this one")
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close(t.Context())
	address, secret := r.Place()
	find := func() (string, string, error) { return address, secret, nil }
	if _, err := register(t.Context(), find, "shop", "127.0.0.1:2", func() {}); err == nil {
		t.Error("nobody follows yet: got no error")
	}
	r.Follow(func(_ string, addresses []string) error {
		if slices.Contains(addresses, "localhost:9") {
			return errors.New("the stack's own")
		}
		moves <- addresses
		return nil
	})
	next := func(want ...string) {
		t.Helper()
		if got := <-moves; !slices.Equal(got, want) {
			t.Errorf("moved: got %v, want %v", got, want)
		}
	}
	var ends []context.CancelFunc
	var gone []chan struct{}
	for range 2 { // the same twice is there once, and stays until both are gone
		ctx, cancel := context.WithCancel(t.Context())
		end := make(chan struct{})
		go func() {
			Register(ctx, find, "shop", ":2", func() { t.Error("left a stack that runs") }, slog.New(slog.DiscardHandler))
			close(end)
		}()
		next("127.0.0.1:1", "localhost:2")
		ends, gone = append(ends, cancel), append(gone, end)
	}
	for _, same := range []string{"127.0.0.1:2", "[::1]:2"} { // the name leads there too
		ctx, cancel := context.WithCancel(t.Context())
		end := make(chan struct{})
		go func() { Register(ctx, find, "shop", same, func() {}, slog.New(slog.DiscardHandler)); close(end) }()
		next("127.0.0.1:1", "localhost:2")
		cancel()
		next("127.0.0.1:1", "localhost:2")
		<-end
	}
	ends[0]()
	next("127.0.0.1:1", "localhost:2")
	ends[1]()
	next("127.0.0.1:1")
	<-gone[0]
	<-gone[1]
	for _, refused := range []struct{ secret, service, address string }{
		{"guessed", "shop", ":3"}, {"", "shop", ":3"}, {secret, "other", ":3"}, {secret, "shop", "x"}, {secret, "shop", ":9"},
	} {
		if ok, err := register(t.Context(), func() (string, string, error) { return address, refused.secret, nil }, refused.service,
			refused.address, func() {}); ok || err == nil {
			t.Errorf("%+v: got %v, %v, want it refused", refused, ok, err)
		}
	}
	silent, err := net.Dial("tcp", address) // delays nobody, and Close does not wait for it
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	if got := r.Addresses("shop"); !slices.Equal(got, []string{"127.0.0.1:1"}) {
		t.Errorf("in the end: got %v", got)
	}
}

// TestClose: a registry that closes waits until its registrants have left, and no longer
// than it may for one that does not.
func TestClose(t *testing.T) {
	t.Parallel()
	for name, leaves := range map[string]bool{"OK": true, "ErrLate": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			r, err := New(Options{CheckReplaceable: func(string) error { return nil }, Log: slog.New(slog.NewTextHandler(&log, nil))})
			if err != nil {
				t.Fatal(err)
			}
			registered := make(chan struct{})
			r.Follow(func(string, []string) error { close(registered); return nil })
			address, secret := r.Place()
			asked, left := make(chan struct{}), make(chan struct{})
			ctx, cancel := context.WithCancel(t.Context())
			var registering sync.WaitGroup
			registering.Go(func() {
				Register(ctx, func() (string, string, error) { return address, secret, nil }, "shop", ":2", func() { close(asked); <-left },
					slog.New(slog.DiscardHandler))
			})
			<-registered
			for tracked := false; !tracked; runtime.Gosched() { // it is answered between the two
				r.mu.Lock()
				for _, is := range r.conns {
					tracked = tracked || is
				}
				r.mu.Unlock()
			}
			closing, end := context.WithCancel(t.Context())
			if !leaves {
				closing, end = context.WithTimeout(t.Context(), 10*time.Millisecond)
			}
			defer end()
			closed := make(chan struct{})
			go func() { r.Close(closing); close(closed) }()
			<-asked
			cancel() // the service stops
			if leaves {
				select {
				case <-closed:
					t.Error("the registry closed before the registrant had left")
				case <-time.After(10 * time.Millisecond):
				}
				close(left)
				<-closed
			} else {
				<-closed
				close(left)
			}
			registering.Wait()
			if late := strings.Contains(log.String(), "replacement has not left in time"); late == leaves {
				t.Errorf("late: got %t: %s", late, &log)
			}
		})
	}
}
