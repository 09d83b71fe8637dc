package bus

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"axion/services/contract"
)

type question struct {
	Text string `json:"text"`
}

// public is an error whose text callers may see, other than its own.
type public struct{ error }

func (public) Public() string { return "no such project" }

func TestRequest(t *testing.T) {
	t.Parallel()
	brokers := startCluster(t).ListenAddrs()
	server, client := openBus(t, brokers, "server"), openBus(t, brokers, "client")
	var tries, panics atomic.Int32
	handlers := map[string]Handler{
		"ECHO": func(_ context.Context, m *Message) (any, error) {
			var q question
			return &q, m.Decode(&q)
		},
		"WORD":    func(context.Context, *Message) (any, error) { return "plain word", nil },
		"NOTHING": func(context.Context, *Message) (any, error) { return nil, nil },
		"SECRET":  func(context.Context, *Message) (any, error) { return nil, errors.New("password is x") },
		"PERMANENT": func(context.Context, *Message) (any, error) {
			return nil, Permanent(errors.New("template \"x\" is unknown"))
		},
		"PUBLIC": func(context.Context, *Message) (any, error) { return nil, public{errors.New("row 7")} },
		"PANIC":  func(context.Context, *Message) (any, error) { panics.Add(1); panic("boom") },
		"RETRIABLE": func(_ context.Context, m *Message) (any, error) {
			if tries.Add(1) < 3 {
				return nil, Retriable(errors.New("busy"))
			}
			return m.Attempt, nil
		},
		"HUGE": func(context.Context, *Message) (any, error) { return strings.Repeat("x", MaxMessage+1), nil },
	}
	for typ, h := range handlers {
		server.Handle(typ, h)
	}
	runBus(t, server)
	ask := func(typ string, in, out any) error {
		return client.Request(testContext(t), Call{
			Topic: contract.Topic("server"), Service: "server", Type: typ, Key: "p1", In: in, Out: out,
		})
	}
	t.Run("OK", func(t *testing.T) {
		var got question
		if err := ask("ECHO", question{"hello"}, &got); err != nil || got.Text != "hello" {
			t.Errorf("got %+v, %v; want hello", got, err)
		}
	})
	t.Run("OKString", func(t *testing.T) {
		var got string
		if err := ask("WORD", nil, &got); err != nil || got != "plain word" {
			t.Errorf("got %q, %v; want plain word", got, err)
		}
	})
	t.Run("OKNull", func(t *testing.T) {
		got := question{"kept"}
		if err := ask("NOTHING", nil, &got); err != nil || got.Text != "kept" {
			t.Errorf("got %+v, %v; want what was there", got, err)
		}
	})
	t.Run("OKRetriable", func(t *testing.T) {
		var got int
		if err := ask("RETRIABLE", nil, &got); err != nil || got != 3 {
			t.Errorf("got %d, %v; want attempt 3", got, err)
		}
	})
	for _, tt := range []struct{ name, typ, want string }{
		{"ErrInternal", "SECRET", internalError},
		{"ErrPanic", "PANIC", internalError},
		{"ErrPermanent", "PERMANENT", `template "x" is unknown`},
		{"ErrPublic", "PUBLIC", "no such project"},
		{"ErrNoHandler", "UNKNOWN", noMatchingHandler},
		{"ErrAnswerTooLarge", "HUGE", "answer: message too large: 1000001 bytes, at most 1000000"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var remote *RemoteError
			if err := ask(tt.typ, nil, nil); !errors.As(err, &remote) {
				t.Fatalf("got %v, want a RemoteError", err)
			}
			if remote.Message != tt.want {
				t.Errorf("got %q, want %q", remote.Message, tt.want)
			}
		})
	}
	t.Run("ErrDecode", func(t *testing.T) {
		err := ask("ECHO", "{not json", nil)
		var remote *RemoteError
		if !errors.As(err, &remote) || !strings.HasPrefix(remote.Message, "decode ECHO: ") {
			t.Errorf("got %v, want a decode error of ECHO", err)
		}
	})
	t.Run("ErrTooLarge", func(t *testing.T) {
		if err := ask("ECHO", strings.Repeat("x", MaxMessage), nil); !errors.Is(err, ErrTooLarge) {
			t.Errorf("got %v, want ErrTooLarge", err)
		}
	})
	if got := panics.Load(); got != 1 {
		t.Errorf("the panicking handler ran %d times, want once", got)
	}
}

func TestRequestWithoutAnswer(t *testing.T) {
	t.Parallel()
	cluster := startCluster(t)
	b := openBus(t, cluster.ListenAddrs(), "client")
	if err := b.ensureTopics(testContext(t), []string{"axion.codegen-service"}); err != nil {
		t.Fatal(err)
	}
	call := Call{Topic: "axion.codegen-service", Service: "codegen-service", Type: "GENERATE_CODE"}
	t.Run("ErrTimeout", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		err := b.Request(ctx, call)
		var timeout *TimeoutError
		if !errors.As(err, &timeout) || !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("got %v, want a TimeoutError", err)
		}
		for _, want := range []string{"axion.codegen-service", "codegen-service did not answer", "GENERATE_CODE"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("got %q, which lacks %q", err, want)
			}
		}
		if want := "check that codegen-service is running and consumes axion.codegen-service"; timeout.Mend() != want {
			t.Errorf("got %q, want %q", timeout.Mend(), want)
		}
	})
	t.Run("ErrCancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if err := b.Request(ctx, call); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want context.Canceled", err)
		}
	})
	t.Run("ErrBrokerAway", func(t *testing.T) {
		cluster.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		defer cancel()
		err := b.Request(ctx, call)
		if err == nil || !strings.Contains(err.Error(), "the broker did not accept the request") {
			t.Errorf("got %v, want that the broker did not accept it", err)
		}
	})
	t.Run("ErrClosed", func(t *testing.T) {
		done := make(chan error, 1)
		go func() { done <- b.Request(testContext(t), call) }()
		eventually(t, "request under way", func() bool {
			found := false
			b.calls.pending.Range(func(_, _ any) bool { found = true; return false })
			return found
		})
		b.Close()
		if err := receive(t, done, "error"); !errors.Is(err, ErrClosed) {
			t.Errorf("got %v, want ErrClosed", err)
		}
	})
}

func TestOpen(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		o    Options
		want string
	}{
		{"ErrNoService", Options{Brokers: []string{"localhost:1"}}, "no service name"},
		{"ErrNoBrokers", Options{Service: "s"}, "no broker addresses"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := Open(context.Background(), tt.o)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
	t.Run("ErrConnect", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		defer cancel()
		_, err := Open(ctx, Options{Service: "s", Brokers: []string{"127.0.0.1:1"}})
		var connect *ConnectError
		if !errors.As(err, &connect) || !strings.Contains(err.Error(), "127.0.0.1:1") {
			t.Errorf("got %v, want a ConnectError that names the address", err)
		}
	})
}
