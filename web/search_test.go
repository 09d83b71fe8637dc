package web

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/danielgtaylor/huma/v2"

	"axion/web/search"
	"axion/web/stacktest"
	"axion/web/telemetry"
	"axion/web/view"
)

// searchable is a stack that has something of every kind for the word "weather".
func searchable(t *testing.T) *stack {
	t.Helper()
	s := newStack()
	s.realistic()
	s.routes = append(s.routes, view.Route{Name: "app-weather@docker", Rule: "Host(`weather.apps.localhost`)", Service: "app-weather@docker",
		Status: view.RouteEnabled})
	s.topics = append(s.topics, topicOf("weather.readings", 3))
	g := newFakeGraph(t)
	g.mu.Lock()
	g.addProject("Weather station", "static-site", nil)
	g.mu.Unlock()
	o := s.options(t, "127.0.0.1:0", g)
	o.Traces = telemetry.New()
	now := time.Now()
	o.Traces.Add(telemetry.Span{TraceID: strings.Repeat("a", 32), SpanID: strings.Repeat("b", 16), Name: "POST /weather", Service: "gateway",
		Start: now, End: now.Add(time.Millisecond)})
	o.Messages = func(_ context.Context, text string, _ int) (view.Matches, error) {
		if strings.EqualFold(text, "broken") {
			return view.Matches{}, errors.New("no broker")
		}
		if !strings.EqualFold(text, "weather") {
			return view.Matches{}, nil
		}
		return view.Matches{Searched: 40,
			Items: []view.Match{{Topic: "weather.readings", Partition: 2, Offset: 7, Time: now, Key: "k", Text: `<b>weather</b>`}}}, nil
	}
	o.Register = append(o.Register, noMessages)
	s.start(t, o)
	return s
}

// noMessages is a broker whose topics are empty.
func noMessages(api huma.API) {
	huma.Get(api, "/api/topics/{topic}/messages", func(context.Context, *struct{}) (*body[map[string]any], error) {
		return &body[map[string]any]{map[string]any{"items": []string{}, "end": []int{}}}, nil
	})
}

func TestSearchAPI(t *testing.T) {
	t.Parallel()
	s := searchable(t)
	find := func(text string) map[string]search.Hits {
		t.Helper()
		res, body := s.call(t, "GET", "/api/search?q="+text, "", nil)
		var f search.Found
		if err := json.Unmarshal([]byte(body), &f); err != nil || res.StatusCode != 200 {
			t.Fatalf("got %d %s (%v)", res.StatusCode, body, err)
		}
		groups := map[string]search.Hits{}
		for _, g := range f.Groups {
			groups[g.Kind] = g
		}
		return groups
	}
	got := find("WEATHER")
	for kind, want := range map[string]string{
		"routes": "/routes/app-weather@docker", "topics": "/topics/weather.readings", "traces": "/flow/" + strings.Repeat("a", 32),
		"projects": "/projects/", "messages": "/topics/weather.readings/messages/2/7",
	} {
		if len(got[kind].Items) != 1 || !strings.HasPrefix(got[kind].Items[0].URL, want) {
			t.Errorf("%s: got %+v, want one at %s", kind, got[kind], want)
		}
	}
	if got := find("axion")["topics"]; len(got.Items) != 6 || !got.More {
		t.Errorf("many: got %d, more %t", len(got.Items), got.More)
	}
	if got := find("broken"); len(got) != 1 || got["messages"].Note == "" {
		t.Errorf("a broker that does not answer: got %+v", got)
	}
	if res, _ := s.call(t, "GET", "/api/search?q=", "", nil); res.StatusCode != 422 {
		t.Errorf("nothing asked: got %d", res.StatusCode)
	}
}

// press sends a key to what has the focus.
func press(b *stacktest.Tab, keys ...string) {
	for _, key := range keys {
		b.Run(chromedp.KeyEvent(key))
	}
}

// TestPageSearch finds its way by keys alone: the search, its results, the list of
// keys, and pages.
func TestPageSearch(t *testing.T) {
	t.Parallel()
	s := searchable(t)
	b := stacktest.OpenTab(t)
	b.Open("http://" + s.address + "/routes")
	b.Await("8 routers")
	press(b, "/")
	b.AwaitTrue(`() => document.activeElement?.matches("[data-search]")`, "")
	// The driver types the slash all the same, where a keyboard does not.
	b.AwaitTrue(`() => (document.activeElement.select(), true)`, "")
	press(b, "weather")
	b.Await("app-weather@docker", "weather.readings", "POST /weather", "Weather station", "<b>weather</b>", "40 in all")
	b.AwaitTrue(`() => document.querySelector("#hit-0[aria-selected=true]") && document.activeElement.getAttribute("aria-activedescendant") === "hit-0"`, "")
	press(b, kb.ArrowDown) // arrow down
	b.AwaitTrue(`() => document.querySelector("#hit-1[aria-selected=true]") !== null`, "")
	press(b, kb.Enter)
	b.AwaitTrue(`() => location.pathname === "/topics/weather.readings"`, "")
	b.Await("No messages yet")
	press(b, "?")
	b.Await("search everything", "next, previous item")
	press(b, kb.Escape)
	b.AwaitGone("search everything")
	b.AwaitTrue(`() => location.pathname === "/topics/weather.readings"`, "") // Escape closed one thing
	press(b, "g", "x")
	b.AwaitTrue(`() => location.pathname === "/faults" && document.title.startsWith("Faults")`, "")
	s.change(func(s *stack) { s.broken() })
	b.Await("4 problems")
	b.Run(chromedp.Click(chromedp.CSS("button.strip-state")))
	b.Await("unknown matcher \"Hots\"", "did you mean Host?")
	b.Run(chromedp.EmulateViewport(390, 844))
	b.Run(chromedp.Focus(chromedp.CSS("[data-search]")), chromedp.SendKeys(chromedp.CSS("[data-search]"), "nowhere to be found"))
	b.Await("Nothing holds “nowhere to be found”")
	b.AssertNoConsoleErrors()
}
