//go:build unix

package bus

import (
	"context"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"axion/broker"
	"axion/services/bus/conn"
	"axion/services/bus/message"
	"axion/services/bus/requester"
	"axion/services/contract"
)

// payload is 200 bytes of JSON.
var payload = []byte(`{"text":"` + strings.Repeat("x", 200-len(`{"text":""}`)) + `"}`)

// rawClient is kgo with the bus's settings and nothing else of it.
func rawClient(b *testing.B, brokers []string, opts ...kgo.Opt) *kgo.Client {
	b.Helper()
	c, err := conn.Dial(conn.Options{Service: "raw", Brokers: brokers, Log: slog.New(slog.DiscardHandler), Client: opts})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(c.Close)
	return c
}

// BenchmarkRequest compares a request and its answer through the bus, 200 bytes of
// JSON each way, with two programs on kgo alone: "kgo" sends the same records and does
// nothing else, "peer" does what a correct program has to. Medians of many short
// rounds in turn on one broker, whose own time is in all. Memory is how the builtins reach
// the embedded broker, Network how another process does.
func BenchmarkRequest(b *testing.B) {
	embedded := startAxion(b)
	for name, opts := range map[string][]kgo.Opt{"Memory": embedded.Client(), "Network": nil} {
		b.Run(name, func(b *testing.B) {
			asks := map[string]func(){
				"bus":  busRequest(b, embedded.Seeds(), opts...),
				"kgo":  rawRequest(b, embedded.Seeds(), opts...),
				"peer": peerRequest(b, embedded.Seeds(), opts...),
			}
			b.Run("1", func(b *testing.B) { compareRequests(b, 1, 200, asks) })
			b.Run("64", func(b *testing.B) { compareRequests(b, 64, 50, asks) })
		})
	}
}

// startAxion starts the embedded broker as the stack does.
func startAxion(b *testing.B) *broker.Broker {
	b.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	embedded, err := broker.Start(b.Context(), broker.Options{Listener: listener, Dir: b.TempDir(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := embedded.Close(); err != nil {
			b.Error(err)
		}
	})
	return embedded
}

// asked is one round: how long each request took, all of them together, and the CPU
// time of one.
type asked struct {
	took     []time.Duration
	all, cpu time.Duration
}

func compareRequests(b *testing.B, callers, each int, asks map[string]func()) {
	const warm, rounds = 3, 35
	all := make(map[string][]asked)
	for name, ask := range asks {
		for range warm {
			askRound(b, callers, each, ask)
		}
		all[name] = nil
	}
	for b.Loop() {
		for range rounds {
			for name, ask := range asks { // in an order that changes
				all[name] = append(all[name], askRound(b, callers, each, ask))
			}
		}
	}
	median := func(rounds []asked, of func(asked) float64) float64 {
		var values []float64
		for _, r := range rounds {
			values = append(values, of(r))
		}
		slices.Sort(values)
		return values[len(values)/2]
	}
	for _, m := range []struct {
		unit string
		of   func(asked) float64
	}{
		{"p50-µs", func(r asked) float64 { return r.took[len(r.took)/2].Seconds() * 1e6 }},
		{"calls/s", func(r asked) float64 { return float64(len(r.took)) / r.all.Seconds() }},
		{"cpu-µs/call", func(r asked) float64 { return r.cpu.Seconds() * 1e6 }},
	} {
		bus := median(all["bus"], m.of)
		b.ReportMetric(bus, "bus-"+m.unit)
		for _, other := range []string{"kgo", "peer"} {
			b.ReportMetric(bus/median(all[other], m.of), "bus÷"+other+"-"+m.unit)
		}
	}
	b.ReportMetric(0, "ns/op")
}

func askRound(b *testing.B, callers, each int, ask func()) asked {
	took := make([]time.Duration, callers*each)
	before, began := cpuTime(b), time.Now()
	var asking sync.WaitGroup
	for c := range callers {
		asking.Go(func() {
			for i := range each {
				at := time.Now()
				ask()
				took[c*each+i] = time.Since(at)
			}
		})
	}
	asking.Wait()
	r := asked{took: took, all: time.Since(began), cpu: (cpuTime(b) - before) / time.Duration(len(took))}
	slices.Sort(r.took)
	return r
}

// busRequest asks as a user of the package would.
func busRequest(b *testing.B, brokers []string, opts ...kgo.Opt) func() {
	quiet := func(o *Options) { o.Log, o.Client = slog.New(slog.DiscardHandler), opts }
	server, client := openBus(b, brokers, "server", quiet), openBus(b, brokers, "client", quiet)
	server.Handle("ECHO", func(_ context.Context, m *Message) (any, error) { return m.Data(), nil })
	runBus(b, server)
	in := question{strings.Repeat("x", 200-len(`{"text":""}`))}
	return func() {
		var out question
		err := client.Request(context.Background(), Call{
			Topic: contract.Topic("server"), Service: "server", Type: "ECHO", In: in, Out: &out,
		})
		if err != nil || out != in {
			b.Errorf("got %v, %v", out, err)
		}
	}
}

// rawRequest sends what the bus would but the deadline, and sends the value back as it is.
// It is less than a correct program: nobody is in a group or commits anything, a lost
// record is waited for without end, the failure to send one is not seen, headers are taken
// by their place, answers go where they always go, and no JSON is made or read.
func rawRequest(b *testing.B, brokers []string, opts ...kgo.Opt) func() {
	makeTopics(b, openBus(b, brokers, "maker"), "raw.in", "raw.out")
	reading := func(topic string) []kgo.Opt {
		return slices.Concat(opts, []kgo.Opt{kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtEnd())})
	}
	server, client := rawClient(b, brokers, reading("raw.in")...), rawClient(b, brokers, reading("raw.out")...)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	b.Cleanup(func() { cancel(); running.Wait() })
	trace := Header{Key: message.HeaderTraceparent, Value: []byte("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")}
	running.Go(func() {
		for ctx.Err() == nil {
			server.PollFetches(ctx).EachRecord(func(r *kgo.Record) {
				server.Produce(ctx, &kgo.Record{
					Topic: "raw.out", Partition: 1, Value: r.Value,
					Headers: []Header{r.Headers[0], {Key: message.HeaderDisposed, Value: message.Disposed}, trace},
				}, nil)
			})
		}
	})
	var waiting sync.Map
	running.Go(func() {
		for ctx.Err() == nil {
			client.PollFetches(ctx).EachRecord(func(r *kgo.Record) {
				if done, ok := waiting.LoadAndDelete(string(r.Headers[0].Value)); ok {
					close(done.(chan struct{}))
				}
			})
		}
	})
	replyTopic, replyPartition, typ := []byte("raw.out"), []byte("1"), []byte("ECHO")
	return func() {
		id, done := requester.NewID(), make(chan struct{})
		waiting.Store(id, done)
		client.Produce(ctx, &kgo.Record{
			Topic: "raw.in", Partition: message.AnyPartition, Value: payload, Headers: []Header{
				{Key: message.HeaderCorrelation, Value: []byte(id)}, {Key: message.HeaderReplyTopic, Value: replyTopic},
				{Key: message.HeaderReplyPartition, Value: replyPartition}, {Key: message.HeaderType, Value: typ}, trace,
			},
		}, nil)
		<-done
	}
}
