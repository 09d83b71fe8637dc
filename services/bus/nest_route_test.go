package bus

import (
	"context"
	"strings"
	"testing"
	"time"

	"axion/services/bus/conn"
	"axion/services/bus/nesttest"
	"axion/services/contract"
)

// TestNestPatternsOnly reaches a NestJS codegen that knows only patterns on the
// topic where the builtins send: late at first, at once then. A service that is
// there again on its own topic is reached too.
func TestNestPatternsOnly(t *testing.T) {
	t.Parallel()
	app := nesttest.Open(t)
	brokers := startCluster(t, nesttest.Topics(nesttest.Patterns)...).ListenAddrs()
	b := openBus(t, brokers, contract.Deployment)
	nest := app.Serve(t, nesttest.ServerOptions{Brokers: brokers, Group: "any-name", Role: nesttest.Patterns})
	call := Call{
		Topic: contract.Topic(contract.Codegen), Service: contract.Codegen, Type: contract.GenerateCode,
		Key: "p1", In: contract.GenerateCodeRequest{ProjectID: "p1", Template: "t"},
	}
	ask := func(want string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(context.Background(), nesttest.Deadline)
		defer cancel()
		if got := called(ctx, b, call); !strings.Contains(got, want) {
			t.Errorf("got %s, want one %s", got, want)
		}
	}
	ask("made by NestJS")
	if got, want := b.requests.TopicOf(&call), contract.PatternTopic(contract.Codegen, contract.GenerateCode); got != want {
		t.Errorf("the next call goes to %s, want %s", got, want)
	}
	ask("made by NestJS")
	nest.Stop(t)
	own := openBus(t, brokers, "own") // consumes the service's topic and no pattern
	own.Subscribe(contract.Topic(contract.Codegen), func(context.Context, *Message) (any, error) {
		return contract.GenerateCodeReply{Template: "made by Go"}, nil
	})
	runBus(t, own)
	ask("made by Go")
}

// TestRouteStays leaves a request where it is while somebody listens there.
func TestRouteStays(t *testing.T) {
	t.Parallel()
	brokers := startCluster(t).ListenAddrs()
	b, slow := openBus(t, brokers, "client"), openBus(t, brokers, contract.Codegen)
	calls := make(chan string, 8)
	slow.Handle(contract.GenerateCode, func(ctx context.Context, m *Message) (any, error) {
		calls <- m.Topic
		conn.Sleep(ctx, time.Second) // longer than the first probe takes
		return nil, nil
	})
	runBus(t, slow)
	call := Call{Topic: contract.Topic(contract.Codegen), Type: contract.GenerateCode}
	if got := called(testContext(t), b, call); got != "null" {
		t.Errorf("got %s", got)
	}
	if got := receive(t, calls, "call"); got != call.Topic || len(calls) != 0 {
		t.Errorf("handled on %s, and %d more times; want once on %s", got, len(calls), call.Topic)
	}
}
