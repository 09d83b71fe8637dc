package stacktest_test

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/twmb/franz-go/pkg/kgo"

	"axion/services/contract"
	"axion/web/stacktest"
)

// loadRate is how many messages a second the load is.
const loadRate = 10_000

// load produces messages at loadRate, until stop is called, which returns how many the
// broker has acknowledged. A slow machine makes fewer.
func load(t testing.TB, s *stacktest.Stack) (acknowledged *atomic.Int64, stop func()) {
	t.Helper()
	client := s.Kafka(t, kgo.ProducerLinger(5*time.Millisecond), kgo.MaxBufferedRecords(loadRate))
	ctx, cancel := context.WithCancel(t.Context())
	acknowledged, ended := new(atomic.Int64), make(chan struct{})
	go func() {
		defer close(ended)
		const tick = 10 * time.Millisecond
		pace := time.NewTicker(tick)
		defer pace.Stop()
		for n := 0; ; {
			select {
			case <-ctx.Done():
				return
			case <-pace.C:
			}
			for range loadRate * int(tick) / int(time.Second) {
				n++
				r := &kgo.Record{Topic: contract.EventsTopic, Key: strconv.AppendInt(nil, int64(n%97), 10),
					Value: fmt.Appendf(nil, `{"n":%d,"text":"a reading of a meter"}`, n)}
				client.Produce(ctx, r, func(_ *kgo.Record, err error) {
					if err == nil {
						acknowledged.Add(1)
					}
				})
			}
		}
	}()
	return acknowledged, func() { cancel(); <-ended }
}

// sum adds up the series of a metric that labels, a regular expression, matches.
func sum(t testing.TB, s *stacktest.Stack, name, labels string) (total float64) {
	t.Helper()
	answer := s.Get(t, s.Dashboard+"/metrics")
	answer.Decode(t, http.StatusOK, nil)
	for _, found := range regexp.MustCompile(`(?m)^`+name+`(?:\{[^}]*`+labels+`[^}]*\})? (\S+)$`).FindAllSubmatch(answer.Body, -1) {
		n, err := strconv.ParseFloat(string(found[1]), 64)
		if err != nil {
			t.Fatal(err)
		}
		total += n
	}
	return total
}

// TestLoad has the page watch while messages pour through the broker: it shows them
// as they are counted, says that it shows a sample, goes elsewhere and comes back,
// and costs the program messages to it and memory that do not grow with the load.
func TestLoad(t *testing.T) {
	t.Parallel()
	b := stacktest.OpenTab(t)
	s := stacktest.Launch(t, binary)
	b.Open(s.Dashboard)
	b.Await("all healthy", "Clients")
	sent := sum(t, s.Stack, "axion_dashboard_sent_messages_total", "")
	acknowledged, stop := load(t, s.Stack)
	defer stop()
	b.Await("other producers", "dots are a sample of")
	b.AwaitTrue(`(rate) => [...document.querySelectorAll(".map-label")].some((label) => label.textContent.includes(rate))`, "k/s")
	for _, page := range []string{"/topics", "/flow", "/"} {
		b.Run(chromedp.Click(chromedp.CSS(`a.rail-link[href="` + page + `"]`)))
		b.AwaitTrue(`(page) => document.querySelector(".rail-link[aria-current]").getAttribute("href") === page`, page)
	}
	b.Await("dots are a sample of")
	stop()
	want := max(1, acknowledged.Load())
	stacktest.Eventually(t, fmt.Sprintf("%d messages in the metrics", want), func() bool {
		return sum(t, s.Stack, "kafka_topic_messages_total", `messaging_destination_name="axion.events"`) >= float64(want)
	})
	// A page receives some messages a second, whatever there is to send.
	if n := sum(t, s.Stack, "axion_dashboard_sent_messages_total", "") - sent; n > float64(acknowledged.Load())/10 {
		t.Errorf("the page was sent %v messages for %d through the broker", n, acknowledged.Load())
	}
	if heap := sum(t, s.Stack, "go_memstats_heap_inuse_bytes", ""); heap > 512<<20 {
		t.Errorf("the program has %.0f MB in use", heap/(1<<20))
	}
	b.AssertNoConsoleErrors()
}

// respond is the page's own measure: it clicks through the rail n times and gives
// the times from each click to the frame after the next paint, in milliseconds, and
// last the longest time that the page was kept from anything else.
const respond = `async (n) => {
  let longest = 0;
  let last = performance.now();
  const channel = new MessageChannel();
  let over = false;
  channel.port1.onmessage = () => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    if (!over) setTimeout(() => channel.port2.postMessage(0), 1);
  };
  channel.port2.postMessage(0);
  const painted = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  const times = [];
  for (let i = 0; i < n; i++) {
    const began = performance.now();
    document.querySelector('a.rail-link[href="' + ["/topics", "/"][i % 2] + '"]').click();
    await painted();
    times.push(performance.now() - began);
    await new Promise((done) => setTimeout(done, 200));
  }
  over = true;
  return [...times, longest];
}`

// BenchmarkLoad measures how the page answers clicks, with nothing to show and with
// 10,000 messages a second passing: the 95th percentile from click to paint, and the
// longest time that its main thread was busy.
func BenchmarkLoad(b *testing.B) {
	for _, loaded := range []bool{false, true} {
		b.Run(map[bool]string{false: "Quiet", true: "Loaded"}[loaded], func(b *testing.B) {
			tab := stacktest.OpenTab(b)
			s := stacktest.Launch(b, binary)
			tab.Open(s.Dashboard)
			tab.Await("all healthy", "Clients")
			rate := 0.0
			if loaded {
				began := time.Now()
				acknowledged, stop := load(b, s.Stack)
				tab.Await("dots are a sample of")
				defer stop()
				defer func() { b.ReportMetric(rate, "messages/s") }()
				defer func() { rate = float64(acknowledged.Load()) / time.Since(began).Seconds() }()
			}
			var times []time.Duration
			longest := 0.0
			for b.Loop() {
				found, err := chromedp.Run(tab.Context, chromedp.Evaluate[[]float64]("("+respond+")(20)", chromedp.EvalAwaitPromise))
				if err != nil {
					b.Fatal(err)
				}
				for _, ms := range found[:len(found)-1] {
					times = append(times, time.Duration(ms*float64(time.Millisecond)))
				}
				longest = max(longest, found[len(found)-1])
			}
			report(b, "click", times)
			b.ReportMetric(longest, "longest-block-ms")
		})
	}
}
