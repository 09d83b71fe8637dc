package bus

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"axion/services/bus/message"
	"axion/services/bus/nesttest"
	"axion/services/contract"
)

// handover is a codegen-service that changes hands under its callers.
type handover struct {
	brokers []string
	client  *Bus
	// patience is how long a caller waits before it asks again; at first it
	// asks only once.
	patience time.Duration
}

func newHandover(t *testing.T) *handover {
	topics := nesttest.Topics(nesttest.Codegen)
	brokers := startCluster(t, append(topics, nesttest.ReplyTopics(topics...)...)...).ListenAddrs()
	return &handover{brokers, openBus(t, brokers, contract.Deployment), nesttest.Deadline}
}

// goCodegen runs a Go codegen.
func (h *handover) goCodegen(t *testing.T) (stop func() error) {
	t.Helper()
	b := openBus(t, h.brokers, contract.Codegen)
	handleAll(b, func(context.Context, *Message) (any, error) {
		return contract.GenerateCodeReply{Template: "made by Go"}, nil
	})
	return runBus(t, b)
}

// cutCodegen runs a Go codegen that never answers, until it has n calls in hand;
// then it goes without waiting for them.
func (h *handover) cutCodegen(t *testing.T, n int, ask func()) {
	t.Helper()
	b := openBus(t, h.brokers, contract.Codegen, func(o *Options) { o.drainTimeout = time.Nanosecond })
	entered := make(chan struct{}, n)
	handleAll(b, func(ctx context.Context, _ *Message) (any, error) {
		entered <- struct{}{}
		<-ctx.Done()
		return nil, ctx.Err()
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	receive(t, b.Ready(), "group assignment")
	ask()
	for range n {
		receive(t, entered, "call in hand")
	}
	cancel()
	if err := receive(t, done, "end"); err == nil {
		t.Error("the calls in hand were waited for")
	}
}

// handleAll makes fn the handler of all requests to codegen.
func handleAll(b *Bus, fn Handler) {
	for _, typ := range contract.Requests()[contract.Codegen] {
		b.Handle(typ, fn)
	}
}

// nestCodegen starts a NestJS codegen.
func (h *handover) nestCodegen(t *testing.T, app *nesttest.App, hold bool) *nesttest.Server {
	t.Helper()
	return app.Serve(t, nesttest.ServerOptions{
		Brokers: h.brokers, Group: contract.Codegen, Role: nesttest.Codegen, Hold: hold,
	})
}

// ask calls for projects' code on both kinds of topic, and gives two answers
// for each.
func (h *handover) ask(t *testing.T, keys ...string) <-chan string {
	answers := make(chan string, 2*len(keys))
	ctx, cancel := context.WithTimeout(context.Background(), nesttest.Deadline)
	patience := h.patience
	var calls sync.WaitGroup
	for _, key := range keys {
		for _, topic := range []string{
			contract.Topic(contract.Codegen), contract.PatternTopic(contract.Codegen, contract.GenerateCode),
		} {
			calls.Go(func() {
				got := h.call(ctx, topic, key, patience)
				for strings.Contains(got, "did not answer") && ctx.Err() == nil {
					got = h.call(ctx, topic, key, patience)
				}
				answers <- key + ": " + got
			})
		}
	}
	t.Cleanup(func() { cancel(); calls.Wait() })
	return answers
}

// call is one try to get a project's code.
func (h *handover) call(ctx context.Context, topic, key string, patience time.Duration) string {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return called(ctx, h.client, Call{
		Topic: topic, Service: contract.Codegen, Type: contract.GenerateCode, Key: key,
		In: contract.GenerateCodeRequest{ProjectID: key, Name: key},
	})
}

// keysOf are enough keys to reach every partition.
func keysOf(round string) []string {
	keys := make([]string, 12)
	for i := range keys {
		keys[i] = fmt.Sprintf("%s-%d", round, i)
	}
	return keys
}

// wantAnswers waits for n answers, all made by whom.
func wantAnswers(t *testing.T, answers <-chan string, n int, whom string) {
	t.Helper()
	for range n {
		select {
		case got := <-answers:
			if !strings.Contains(got, whom) {
				t.Errorf("got %s, want one %s", got, whom)
			}
		case <-t.Context().Done():
			t.Fatal("no answer")
		}
	}
}

// TestNestHandover hands codegen's group from Go to NestJS and back, each time
// with calls sent while nobody is there and while both are.
func TestNestHandover(t *testing.T) {
	t.Parallel()
	app := nesttest.Open(t)
	h := newHandover(t)
	stop := h.goCodegen(t)
	wantAnswers(t, h.ask(t, "warm"), 2, "made by Go") // one partition of each topic has a message
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	keys := keysOf("between")
	answers := h.ask(t, keys...)
	nest := h.nestCodegen(t, app, false)
	wantAnswers(t, answers, 2*len(keys), "made by NestJS")

	stop = h.goCodegen(t) // both are in the group
	keys = keysOf("both")
	wantAnswers(t, h.ask(t, keys...), 2*len(keys), "made by")
	// A NestJS server that stops commits requests before it has sent the replies,
	// and then sends no more: callers ask again, as deployment-service does.
	h.patience = 5 * time.Second
	answers = h.ask(t, keys...)
	nest.Stop(t)
	wantAnswers(t, answers, 2*len(keys), "made by")
	wantAnswers(t, h.ask(t, keys...), 2*len(keys), "made by Go")
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// TestNestKilled kills a NestJS codegen with calls in hand: the next one has
// them, be it NestJS or Go.
func TestNestKilled(t *testing.T) {
	t.Parallel()
	app := nesttest.Open(t)
	for _, next := range []string{"NestJS", "Go"} {
		t.Run(next, func(t *testing.T) {
			t.Parallel()
			h := newHandover(t)
			stop := h.goCodegen(t)
			wantAnswers(t, h.ask(t, "warm"), 2, "made by Go") // the group has offsets
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			nest := h.nestCodegen(t, app, true)
			keys := keysOf("killed")
			answers := h.ask(t, keys...)
			nest.Next(t)
			nest.Kill()
			if next == "Go" {
				h.goCodegen(t)
			} else {
				h.nestCodegen(t, app, false)
			}
			wantAnswers(t, answers, 2*len(keys), "made by "+next)
		})
	}
}

// TestGoKilled cuts a Go codegen off with calls in hand, which a NestJS one then
// answers.
func TestGoKilled(t *testing.T) {
	t.Parallel()
	app := nesttest.Open(t)
	h := newHandover(t)
	keys := keysOf("killed")
	var answers <-chan string
	h.cutCodegen(t, 2*len(keys), func() { answers = h.ask(t, keys...) })
	h.nestCodegen(t, app, false)
	wantAnswers(t, answers, 2*len(keys), "made by NestJS")
}

// TestNestClientRestarts kills a NestJS client that waits for a Go service, and
// starts it again: the service goes on, and the new client has its answers.
func TestNestClientRestarts(t *testing.T) {
	t.Parallel()
	app := nesttest.Open(t)
	h := newHandover(t)
	topic := contract.PatternTopic(contract.Codegen, contract.GenerateCode)
	h.goCodegen(t)
	first := app.Connect(t, h.brokers, "model", topic)
	ask := func(c *nesttest.Client, key string) string {
		return answered(c.Send(t, topic, nesttest.Message{Key: key, Value: map[string]string{"projectId": key}}))
	}
	if got := ask(first, "p1"); !strings.Contains(got, "made by Go") {
		t.Errorf("before: got %s", got)
	}
	first.Kill()
	second := app.Connect(t, h.brokers, "model", topic)
	if got := ask(second, "p2"); !strings.Contains(got, "made by Go") {
		t.Errorf("after: got %s", got)
	}
}

// TestNestFirst sends calls before a NestJS codegen is there, whose group nobody
// was ever in: what is reserved for it is not missed.
func TestNestFirst(t *testing.T) {
	t.Parallel()
	app := nesttest.Open(t)
	h := newHandover(t)
	topics := []string{contract.Topic(contract.Codegen)}
	for topic := range message.PatternTypes(contract.Codegen) {
		topics = append(topics, topic)
	}
	makeTopics(t, h.client, topics...)
	if err := InitGroupOffsets(testContext(t), Options{Service: contract.Codegen, Brokers: h.brokers}); err != nil {
		t.Fatal(err)
	}
	keys := keysOf("first")
	answers := h.ask(t, keys...)
	h.nestCodegen(t, app, false)
	wantAnswers(t, answers, 2*len(keys), "made by NestJS")
}
