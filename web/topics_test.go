package web

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/danielgtaylor/huma/v2"
	"github.com/twmb/franz-go/pkg/kgo"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"axion/broker"
	"axion/broker/explorer"
	"axion/services/bus/dlq"
	"axion/web/stacktest"
)

const shop, shopLetters = "axion.shop", "axion.graph-service.dlq"

// kafka is a real broker behind a dashboard.
type kafka struct {
	t      *testing.T
	client *kgo.Client
	seeds  []string
	url    string // of the dashboard's topics
}

func startKafka(t *testing.T) *kafka {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	b, err := broker.Start(t.Context(),
		broker.Options{Listener: listener, Dir: t.TempDir(), Topics: []string{shop, shopLetters, "axion.graph-service", "axion.empty"}, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	messages := explorer.New(b.Admin(), sdktrace.NewTracerProvider(), log)
	t.Cleanup(func() { _ = messages.Close(context.Background()) })
	s := newStack()
	options := s.options(t, "127.0.0.1:0", nil)
	letters := &dlq.API{Open: func() (*dlq.Client, error) { return dlq.Open(b.Seeds()) }}
	options.Register, options.Channels = []func(huma.API){messages.Register, letters.Register}, messages.Channels()
	options.Topics = messages.Topics
	s.start(t, options)
	k := &kafka{t: t, seeds: b.Seeds(), url: "http://" + s.address + "/topics"}
	if k.client, err = kgo.NewClient(kgo.SeedBrokers(b.Seeds()...), kgo.RecordPartitioner(kgo.ManualPartitioner())); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.client.Close)
	return k
}

// orders writes numbered orders, those from first up to end.
func (k *kafka) orders(first, end int) {
	k.t.Helper()
	var records []*kgo.Record
	began := time.Now()
	for i := first; i < end; i++ {
		records = append(records, &kgo.Record{
			Topic: shop, Partition: int32(i % 3), Timestamp: began.Add(time.Duration(i-first) * time.Millisecond),
			Key:   fmt.Appendf(nil, "order-%d", i),
			Value: fmt.Appendf(nil, `{"n":%d,"note":"<img src=x onerror=alert(1)>","lines":[{"sku":"tea","count":2}]}`, i),
			Headers: []kgo.RecordHeader{{Key: "ce_type", Value: []byte("ORDERED")},
				{Key: "traceparent", Value: []byte("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")}},
		})
	}
	k.produce(records...)
}

func (k *kafka) produce(records ...*kgo.Record) {
	k.t.Helper()
	if err := k.client.ProduceSync(k.t.Context(), records...).FirstErr(); err != nil {
		k.t.Fatal(err)
	}
}

func TestTopicMessages(t *testing.T) {
	t.Parallel()
	b := stacktest.OpenTab(t)
	k := startKafka(t)
	k.orders(0, 250)
	b.Open(k.url)
	b.Await(shop, "250", "dead letters")
	b.Run(chromedp.Click(chromedp.CSS(`a[href="/topics/axion.shop"]`)))
	b.Await("order-249")
	b.Open(k.url + "/axion.shop") // without a pointer above
	b.Await("order-249", "ORDERED", "Live", "Searched 100 messages")
	if rows := b.Text(".messages"); strings.Contains(rows, "order-149") {
		t.Errorf("got %s, want the newest hundred only", rows)
	}
	k.orders(250, 253)
	b.Await("order-252")
	// Under the pointer the list stands still.
	b.AwaitTrue("(event) => document.querySelector('.tail-state').parentElement.dispatchEvent(new MouseEvent(event))", "mouseenter")
	b.Await("paused while you read")
	k.orders(253, 290)
	b.Await("37 new")
	if rows := b.Text(".messages"); strings.Contains(rows, "order-289") {
		t.Error("the list moved while it was held")
	}
	b.Run(chromedp.Click(chromedp.CSS(".tail-state .fresh")))
	b.Await("order-289")
	b.Run(chromedp.Click(chromedp.CSS("p.more .button")))
	b.Await("Searched 200 messages")

	// By keyboard: to the first message, open, close.
	b.Run(chromedp.KeyEvent("j"), chromedp.KeyEvent("\r"))
	b.Await("Produce again", "0af7651916cd43dd8448eb211c80319c", "<img src=x onerror=alert(1)>")
	b.Run(chromedp.KeyEvent("\x1b"))
	b.AwaitGone("Produce again")
	b.AssertNoConsoleErrors()
}

// TestTopicSampled: where more comes than can be shown, the page says so.
func TestTopicSampled(t *testing.T) {
	t.Parallel()
	b := stacktest.OpenTab(t)
	k := startKafka(t)
	b.Open(k.url + "/axion.shop")
	b.Await("No messages yet", "Live")
	k.orders(0, 6000)
	b.Await("Sampled:", "left out, more came than can be shown")
	k.orders(6000, 6001)
	b.Await("order-6000")
	b.AssertNoConsoleErrors()
}

func TestTopicDeepLinks(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	k.orders(0, 30)
	consumer, err := kgo.NewClient(kgo.SeedBrokers(k.seeds...), kgo.ConsumerGroup("billing"), kgo.ConsumeTopics(shop), kgo.DisableAutoCommit())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(consumer.Close)
	for seen := 0; seen < 30; {
		fetches := consumer.PollFetches(t.Context())
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		seen += fetches.NumRecords()
	}
	if err := consumer.CommitRecords(t.Context(), &kgo.Record{Topic: shop, Partition: 1, Offset: 3}); err != nil {
		t.Fatal(err)
	}
	pages := map[string][]string{
		"":                              {"4 topics", shop},
		"?q=letters":                    {"1 topic", shopLetters},
		"/axion.shop":                   {"30 messages", "3 partitions", "order-29"},
		"/axion.shop?key=order-7":       {"order-7", "Searched 30 messages"},
		"/axion.shop?path=%24.n+%3E+28": {"order-29", "Searched 30 messages"},
		"/axion.shop?partition=1&offset=8&header=ce_type%3Dordered": {"1:8", "1:9"},
		"/axion.shop?order=oldest&q=order-1":                        {"order-19"},
		"/axion.shop?key=none":                                      {"No message matches", "Show all messages"},
		"/axion.shop/messages/1/2":                                  {"order-7", "Partition 1, offset 2", `"n": 7`, "2 fields"},
		"/axion.shop/groups":                                        {"billing", "Stable", "Lag, last 15 minutes"},
		"/axion.shop/configuration":                                 {"retention.ms", "1 of 1"},
		"/axion.shop/produce":                                       {"by key", "One NAME: VALUE a line."},
		"/axion.shop/produce?from=1:2":                              {"by key"},
		"/axion.empty":                                              {"No messages yet", "Produce one"},
		"/axion.none":                                               {"The broker has no such topic"},
		"/axion.shop/nowhere":                                       {"There is no page here"},
		"/axion.graph-service.dlq":                                  {"No dead letters"},
		"/~groups":                                                  {"billing"},
		"/~groups/billing":                                          {"1 member", "classic", "Lag, last 15 minutes", shop},
	}
	b := stacktest.OpenTab(t)
	for path, words := range pages {
		b.Open(k.url + path)
		for _, width := range []int64{1440, 390} {
			b.Show(width, 844, stacktest.Light)
			b.Await(words...)
			b.AssertNoOverflow(path, width)
		}
	}
	b.Show(1440, 844, stacktest.Light)
	b.Open(k.url + "/axion.shop/groups")
	b.AwaitTrue("(what) => document.querySelector('.chart canvas') && "+
		"document.querySelector('.chart').getAttribute('aria-label').includes(what)", "billing 1: 6 now")
	b.AssertNoConsoleErrors()
	for path, words := range map[string][]string{
		"/axion.shop?path=%24%5B":   {"Messages could not be read", "path:"},
		"/axion.shop/messages/1/99": {"This message is not here"},
		"/~groups/none":             {"The broker knows no such group"},
	} {
		b.Open(k.url + path)
		b.Await(words...)
	}
}

func TestTopicProduce(t *testing.T) {
	t.Parallel()
	b := stacktest.OpenTab(t)
	k := startKafka(t)
	k.orders(0, 3)
	b.Open(k.url + "/axion.shop/messages/1/0")
	b.Await("Produce again")
	b.Run(chromedp.Click(chromedp.CSS(`a[href="/topics/axion.shop/produce?from=1:0"]`)))
	b.AwaitTrue("(key) => document.querySelector('#p-key')?.value === key", "order-1")
	b.Await("JSON.")
	b.Run(chromedp.SendKeys(chromedp.CSS("#p-headers"), "\nbroken"))
	b.Await("Line 2 is not NAME: VALUE.")
	b.Run(chromedp.SendKeys(chromedp.CSS("#p-headers"), ": no more"))
	b.AwaitGone("is not NAME")
	b.Run(chromedp.KeyEvent("\r", chromedp.KeyModifiers(chromedp.ModifierCtrl)))
	b.Await("Produced", "Follow its trace")
	b.Run(chromedp.Click(chromedp.CSS(".notice a.mono")))
	b.Await("order-1", "no more", "traceparent")
	b.AssertNoConsoleErrors()
}

func TestTopicLetters(t *testing.T) {
	t.Parallel()
	b := stacktest.OpenTab(t)
	k := startKafka(t)
	letter := func(id string) *kgo.Record {
		r := &kgo.Record{Topic: shopLetters, Key: []byte("k"), Value: []byte("{}")}
		for name, value := range map[string]string{
			"ce_type": "PROJECT_CREATED", "ce_id": id, "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
			"dlq_topic": "axion.graph-service", "dlq_partition": "0", "dlq_offset": "7", "dlq_attempts": "3", "dlq_error": "no such project",
			"dlq_time": time.Now().UTC().Format(time.RFC3339),
		} {
			r.Headers = append(r.Headers, kgo.RecordHeader{Key: name, Value: []byte(value)})
		}
		return r
	}
	k.produce(letter("a"), letter("b"), letter("c"))
	b.Open(k.url + "/" + shopLetters)
	b.Await("3 dead letters", "no such project", "axion.graph-service 0:7")
	b.Run(chromedp.Click(chromedp.CSS(`input[aria-label="Choose 0:1"]`)), chromedp.Click(chromedp.CSS(".letters-actions .button")))
	b.Await("Put 1 message back?", "1 to axion.graph-service")
	b.Run(chromedp.Click(chromedp.CSS(".confirm-actions .primary")))
	b.Await("1 message replayed", "trace 0af76519", "2 dead letters")
	b.Run(chromedp.Click(chromedp.CSS(".letters-actions .danger")))
	b.Await("Forget 2 messages?")
	b.Run(chromedp.Click(chromedp.CSS(".confirm-actions .danger")))
	b.Await("2 dead letters dropped", "No dead letters")
	b.Open(k.url + "/axion.graph-service")
	b.Await("PROJECT_CREATED", "1 message")
	b.AssertNoConsoleErrors()
}
