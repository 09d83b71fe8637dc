package web

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"axion/web/stacktest"
	"axion/web/telemetry"
)

// TestPageLogs filters lines by what stands in the address, and leads from a line to its
// trace and to those that say the same.
func TestPageLogs(t *testing.T) {
	t.Parallel()
	s, _, store, o := composed(t)
	s.start(t, o)
	b := stacktest.OpenTab(t)
	at := "http://" + s.address + "/logs"
	b.Open(at)
	b.Await("Nothing has been said yet")
	trace := strings.Repeat("ab", 16)
	log := logTo(store)
	log.Info("ready", "ms", 142)
	log.Warn("the disk is nearly full", "left", "3 GB")
	store.Logs.Add(telemetry.Log{Time: time.Now(), Level: "info", Service: "orders", Message: "paid " + evil, TraceID: trace,
		Attributes: map[string]any{"order": evil, "cents": 250}})
	b.Await("the disk is nearly full", "left=3 GB", "cents=250", evil, "3 lines")
	for query, want := range map[string]string{
		"level=warn": "nearly full", "service=orders": "paid", "text=DISK": "nearly full",
		"field=ms%3D142": "ready", "field=cents": "paid", "trace=" + trace: "paid",
	} {
		b.Open(at + "?" + query)
		b.Await("1 line.", want)
	}
	b.Open(at + "?text=nowhere")
	b.Await("No line matches")
	b.Run(chromedp.SendKeys(chromedp.CSS(".log-search"), strings.Repeat("\b", len("nowhere"))+"paid"))
	b.Await("1 line.")
	b.AwaitTrue("(query) => location.search === query", "?text=paid")
	b.Run(chromedp.Click(chromedp.CSS(".log-message a")))
	b.Await("Line 3", trace, "its lines")
	b.AwaitTrue("(path) => location.pathname + location.search === path", "/logs/3?text=paid")
	b.Run(chromedp.Click(chromedp.CSS(`.log-fields a[href*="cents"]`)))
	b.AwaitTrue("(query) => location.search === query", "?field=cents%3D250")
	b.Await("1 line.")
	if n, err := chromedp.Run(b.Context, chromedp.Evaluate[int](`document.querySelectorAll("main img").length`)); err != nil || n != 0 {
		t.Errorf("got %d elements out of a line (%v)", n, err)
	}
	hrefs, err := chromedp.Run(b.Context, chromedp.Evaluate[string](
		`[...document.querySelectorAll(".downloads a, .log-trace")].map((a) => a.getAttribute("href")).join(" ")`))
	if err != nil || hrefs != "/api/logs/file?field=cents%3D250&format=text /api/logs/file?field=cents%3D250&format=json /flow/"+trace {
		t.Errorf("got links %q (%v)", hrefs, err)
	}
	b.Open(at + "/99")
	b.Await("This line is not here")
}

// TestPageLogsFollow follows the newest line at the end of the list, keeps its place
// elsewhere, also once the oldest lines make room, and stands still while paused.
func TestPageLogsFollow(t *testing.T) {
	t.Parallel()
	s, _, store, o := composed(t)
	s.start(t, o)
	lines := func(from, to int) {
		var all []string
		for i := from; i < to; i++ {
			all = append(all, fmt.Sprintf("line %d!", i))
		}
		write(store, "orders", all...)
	}
	lines(0, 6000)
	b := stacktest.OpenTab(t)
	b.Open("http://" + s.address + "/services/orders/logs")
	b.Await("line 5999!", "newest 5,000 lines of 6,000")
	rows, err := chromedp.Run(b.Context, chromedp.Evaluate[int](`document.querySelectorAll(".console-line").length`))
	if err != nil || rows > 200 {
		t.Errorf("got %d of 5,000 lines in the document (%v)", rows, err)
	}
	lines(6000, 6100)
	b.Await("line 6099!")
	if _, err := chromedp.Run(b.Context, chromedp.Evaluate[int](`document.querySelector(".log-scroller").scrollTop = 2000 * 20`)); err != nil {
		t.Fatal(err)
	}
	b.Await("line 3110!", "To the end")
	lines(6100, 6200)
	b.Await("100 new")
	b.Await("line 3110!")
	b.AwaitGone("line 6199!")
	b.Run(chromedp.Click(chromedp.CSS(".log-end")))
	b.Await("line 6199!")
	b.AwaitTrue(`(word) => { const found = [...document.querySelectorAll(".log-tools button")].find((b) => b.innerText === word); found?.click(); return Boolean(found); }`, "Pause")
	lines(6200, 6207)
	b.Await("Resume, 7 new")
	b.AwaitGone("line 6206!")
	b.AwaitTrue(`(word) => { const found = [...document.querySelectorAll(".log-tools button")].find((b) => b.innerText.startsWith(word)); found?.click(); return Boolean(found); }`, "Resume")
	b.Await("line 6206!")
	b.AssertNoConsoleErrors()
}
