package web

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"axion/web/signals"
	"axion/web/telemetry"
)

// logs of a store: who writes through it is "axion" unless it says otherwise.
func logTo(store *telemetry.Store) *slog.Logger {
	return slog.New(store.Logs.Handler(slog.NewTextHandler(new(strings.Builder), nil), "axion"))
}

func messages(t *testing.T, list any) string {
	t.Helper()
	var l signals.LogList
	if err := json.Unmarshal(mustJSON(t, list), &l); err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, item := range l.Items {
		all = append(all, item.Message)
	}
	return strings.Join(all, " ")
}

func TestLogs(t *testing.T) {
	t.Parallel()
	s := newStack()
	options := s.options(t, "127.0.0.1:0", nil)
	options.Traces = telemetry.New()
	log := logTo(options.Traces)
	log.Info("one")
	log.With("service", "shop").Warn("two", "project", "tea")
	log.Error("three", "n", 7)
	s.start(t, options)
	for query, want := range map[string]string{
		"": "one two three", "?level=warn": "two three", "?service=shop": "two", "?text=TEA": "two", "?after=2": "three", "?limit=1": "three",
		"?trace=none": "", "?field=project": "two", "?field=project%3Dtea": "two", "?field=project%3Dcoffee": "", "?field=n%3D7": "three",
	} {
		res, err := http.Get("http://" + s.address + "/api/logs" + query)
		if err != nil {
			t.Fatal(err)
		}
		var list signals.LogList
		if err := json.NewDecoder(res.Body).Decode(&list); err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if got := messages(t, list); got != want || list.Next != "3" || list.Stats.Lines != 3 {
			t.Errorf("%s: got %q to %s of %+v, want %q", query, got, list.Next, list.Stats, want)
		}
	}
	for _, query := range []string{"?level=loud", "?limit=0", "?after=x"} {
		res, err := http.Get("http://" + s.address + "/api/logs" + query)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != 422 {
			t.Errorf("%s: got %s", query, res.Status)
		}
	}
}

// TestLogsFile asks for one line, and for all as a file: as text without what steers a
// terminal, and as JSON.
func TestLogsFile(t *testing.T) {
	t.Parallel()
	s := newStack()
	options := s.options(t, "127.0.0.1:0", nil)
	options.Traces = telemetry.New()
	log := logTo(options.Traces)
	log.Info("one")
	log.With("service", "a/../b").Warn("\x1b[31mtwo\x1b[0m\x1b]0;owned\x07", "project", "tea")
	s.start(t, options)
	for path, want := range map[string]string{
		"/api/logs/2":               `"message":"\u001b[31mtwo`,
		"/api/logs/3":               "there is no such line",
		"/api/logs/0":               "there is no such line",
		"/api/logs/file":            "info  axion one\n",
		"/api/logs/file?level=warn": "warn  a/../b two project=tea\n",
		"/api/logs/file?service=a%2F..%2Fb&format=json": `"attributes":{"project":"tea"}}` + "\n",
	} {
		res, body := s.call(t, "GET", path, "", nil)
		if !strings.Contains(body, want) {
			t.Errorf("%s: got %q, want %q in it", path, body, want)
		}
		if strings.Contains(path, "format") && res.Header.Get("Content-Disposition") != `attachment; filename="a-..-b.jsonl"` {
			t.Errorf("%s: got %q", path, res.Header.Get("Content-Disposition"))
		}
	}
}

// TestLogsLive watches the log: what is there, then what comes.
func TestLogsLive(t *testing.T) {
	t.Parallel()
	s := newStack()
	options := s.options(t, "127.0.0.1:0", nil)
	options.Traces = telemetry.New()
	log := logTo(options.Traces)
	log.Info("one")
	log.Warn("two")
	s.start(t, options)
	page := s.page(t)
	page.ask(map[string]any{"watch": 1, "channel": "logs", "query": map[string]string{"level": "warn"}})
	if got := messages(t, page.channelMessage().Data); got != "two" {
		t.Errorf("got %q", got)
	}
	log.Info("three")
	log.Error("four")
	if got := messages(t, page.channelMessage().Data); got != "four" {
		t.Errorf("got %q", got)
	}
	page.ask(map[string]any{"unwatch": 1})
	page.ask(map[string]any{"watch": 2, "channel": "traces", "query": map[string]string{"slower": "slow"}})
	if m := page.channelMessage(); !m.Ended || !strings.Contains(m.Error, "slower is not a number") {
		t.Errorf("got %+v", m)
	}
}
