package bus

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"axion/services/bus/message"
	"axion/services/clustertest"
	"axion/services/contract"
)

type question struct {
	Text string `json:"text"`
}

// public is an error whose text callers may see, other than its own.
type public struct{ error }

func (public) Public() string { return "no such project" }

// requestHandlers answer by type in every way that there is.
func requestHandlers(panics *atomic.Int32) map[string]Handler {
	var tries atomic.Int32
	return map[string]Handler{
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
}

func TestRequest(t *testing.T) {
	t.Parallel()
	brokers := startCluster(t).ListenAddrs()
	server, client := openBus(t, brokers, "server"), openBus(t, brokers, "client")
	var panics atomic.Int32
	for typ, h := range requestHandlers(&panics) {
		server.Handle(typ, h)
	}
	runBus(t, server)
	ask := func(typ string, in, out any) error {
		return client.Request(testContext(t), Call{
			Topic: contract.Topic("server"), Service: "server", Type: typ, Key: "p1", In: in, Out: out,
		})
	}
	for _, tt := range []struct {
		name, typ string
		in        any
		want      string
	}{
		{"OK", "ECHO", question{"hello"}, `{"text":"hello"}`},
		{"OKString", "WORD", nil, `"plain word"`},
		{"OKNull", "NOTHING", nil, `null`},
		{"OKRetriable", "RETRIABLE", nil, `"3"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got json.RawMessage
			if err := ask(tt.typ, tt.in, &got); err != nil || string(got) != tt.want {
				t.Errorf("got %s, %v; want %s", got, err, tt.want)
			}
		})
	}
	for _, tt := range []struct{ name, typ, want string }{
		{"ErrDecode", "ECHO", "decode ECHO: the value must be an object, and is string"},
		{"ErrInternal", "SECRET", message.InternalError},
		{"ErrPanic", "PANIC", message.InternalError},
		{"ErrPermanent", "PERMANENT", `template "x" is unknown`},
		{"ErrPublic", "PUBLIC", "no such project"},
		{"ErrNoHandler", "UNKNOWN", message.NoMatchingHandler},
		{"ErrAnswerTooLarge", "HUGE", "answer: message too large: 1000001 bytes, at most 1000000"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var remote *RemoteError
			if err := ask(tt.typ, "", nil); !errors.As(err, &remote) {
				t.Fatalf("got %v, want a RemoteError", err)
			}
			if remote.Message != tt.want {
				t.Errorf("got %q, want %q", remote.Message, tt.want)
			}
		})
	}
	if got := panics.Load(); got != 1 {
		t.Errorf("the panicking handler ran %d times, want once", got)
	}
	eventually(t, "nothing is under way", func() bool { return server.conn.Handling.Load() == 0 && client.conn.Requests.Load() == 0 })
}

// TestRequestHeaders: headers are made of the very bytes that go, both ways, and whoever
// asked may refuse an answer by them.
func TestRequestHeaders(t *testing.T) {
	t.Parallel()
	brokers := startCluster(t).ListenAddrs()
	server, client := openBus(t, brokers, "server"), openBus(t, brokers, "client")
	copied := func(value []byte) []Header { return []Header{{Key: "copy", Value: value}} }
	server.Handle("ASK", func(_ context.Context, m *Message) (any, error) {
		if got := m.Headers.Get("copy"); got != string(m.Value) || got != `{"text":"<a>"}` {
			return nil, Permanent(errors.New("the request's header is " + got))
		}
		return Answer{Value: question{"<b>"}, Headers: copied}, nil
	})
	server.Handle("FAIL", func(context.Context, *Message) (any, error) {
		return Answer{Value: "unused", Headers: copied}, Permanent(errors.New("no"))
	})
	runBus(t, server)
	var out question
	call := Call{Topic: contract.Topic("server"), Service: "server", Type: "ASK", In: question{"<a>"}, Out: &out, Headers: copied}
	refusal := errors.New("not this one")
	for _, want := range []error{nil, refusal, nil} {
		out = question{}
		call.Accept = func(value []byte, h Headers) error {
			if h.Get("copy") != string(value) || string(value) != `{"text":"<b>"}` {
				t.Errorf("the answer %s has the header %q", value, h.Get("copy"))
			}
			return want
		}
		if err := client.Request(testContext(t), call); !errors.Is(err, want) || (out.Text != "") != (want == nil) {
			t.Errorf("got %v and %q, want %v", err, out.Text, want)
		}
	}
	call.Type, call.Accept = "FAIL", func([]byte, Headers) error { t.Error("an error was looked at"); return nil }
	var remote *RemoteError
	if err := client.Request(testContext(t), call); !errors.As(err, &remote) || remote.Message != "no" {
		t.Errorf("got %v", err)
	}
}

func TestRequestWithoutAnswer(t *testing.T) {
	t.Parallel()
	b := openBus(t, startCluster(t).ListenAddrs(), "client")
	makeTopics(t, b, "axion.codegen-service")
	// The broker is known to be there, so that only an answer is missing.
	if err := b.Publish(testContext(t), Event{Type: "T", Topic: "axion.codegen-service"}); err != nil {
		t.Fatal(err)
	}
	call := Call{Topic: "axion.codegen-service", Service: "codegen-service", Type: "GENERATE_CODE"}
	t.Run("ErrTooLarge", func(t *testing.T) {
		large := call
		large.In = strings.Repeat("x", MaxMessage)
		if err := b.Request(testContext(t), large); !errors.Is(err, ErrTooLarge) {
			t.Errorf("got %v, want ErrTooLarge", err)
		}
	})
	t.Run("ErrTimeout", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
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
		if want := "check that codegen-service is running and consumes axion.codegen-service"; timeout.Hint() != want {
			t.Errorf("got %q, want %q", timeout.Hint(), want)
		}
	})
	t.Run("ErrCancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if err := b.Request(ctx, call); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want context.Canceled", err)
		}
	})
}

// TestRequestCut loses the broker, then the bus, under a request.
func TestRequestCut(t *testing.T) {
	t.Parallel()
	cluster := clustertest.NewServer(t)
	b := openBus(t, cluster.ListenAddrs(), "client")
	call := Call{Topic: "axion.client", Service: "client", Type: "T"}
	t.Run("ErrBrokerAway", func(t *testing.T) {
		cluster.Stop()
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
		eventually(t, "request under way", func() bool { return b.conn.Requests.Load() > 0 })
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
