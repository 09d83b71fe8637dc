package command

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"axion/web/view"
)

// TestPrintServices: a row for each service, and below it what it waits for and how to
// mend it.
func TestPrintServices(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var out bytes.Buffer
	err := printServices(&out, []view.Service{
		{Name: "web", Provider: "process", Reason: "x-axion gives a command", State: view.ServiceRunning,
			Instances: []view.ServiceInstance{
				{PID: 1, StartedAt: now.Add(-time.Minute), Restarts: 2, CPU: 0.25, Memory: 3 << 20}, {PID: 2, StartedAt: now.Add(-time.Second)},
			},
			Ports: []view.ServicePort{{Port: 3000, Address: "127.0.0.1:3000"}, {Port: 3000, Address: "127.0.0.1:4711"}}},
		{Name: "mongo", Provider: "yours", Reason: "nothing here provides it", State: view.ServiceWaiting, Detail: "one\ntwo\x1b[2J",
			Notes: []string{"a note"}, Hint: "start it"},
	}, now)
	const want = `SERVICE  STATE        PROVIDER                          PORTS                               RESTARTS  UPTIME  CPU  MEMORY
web      running (2)  process: x-axion gives a command  127.0.0.1:3000 127.0.0.1:4711→3000  2         1m0s    25%  3.0 MiB
mongo    waiting      yours: nothing here provides it                                       0
         one
         two
         note: a note
         hint: start it
`
	if err != nil || out.String() != want {
		t.Errorf("got %v\n%s\nwant\n%s", err, out.String(), want)
	}
}

func TestParseSince(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"": {}, "5m": now.Add(-5 * time.Minute), "0s": now, "2026-01-01T00:00:00Z": time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		"2026-01-01": time.Date(2026, 1, 1, 0, 0, 0, 0, time.Local),
	} {
		if got, err := parseSince(text, now); err != nil || !got.Equal(want) {
			t.Errorf("%q: got %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"-5m", "yesterday", "5"} {
		if _, err := parseSince(text, now); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%q: got %v, want an error that names it", text, err)
		}
	}
}

// TestClean: what a service writes cannot move the cursor or set the title; its colours
// stay where they are wanted.
func TestClean(t *testing.T) {
	t.Parallel()
	for in, want := range map[string][2]string{ // with colours, and without
		"plain\ttext ü":               {"plain\ttext ü", "plain\ttext ü"},
		"\x1b[31mred\x1b[0m":          {"\x1b[31mred\x1b[0m\x1b[0m", "red"},
		"\x1b[2J\x1b[1;1Hgone":        {"gone", "gone"},
		"\x1b]0;title\x07x":           {"x", "x"},
		"\x1b]8;;http://e\x1b\\link":  {"link", "link"},
		"\x1bPq#0\x1b\\x":             {"x", "x"},
		"a\rb\x08c\x7f\u009b31m\x1bc": {"abc31m", "abc31m"},
		"\x1b":                        {"", ""},
		"\x1b[38;2;1;2;3mx":           {"\x1b[38;2;1;2;3mx\x1b[0m", "x"},
	} {
		if got := [2]string{clean(in, true), clean(in, false)}; got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func FuzzClean(f *testing.F) {
	f.Add("\x1b[31mred\x1b]0;t\x07")
	f.Add("\x1b\x1b[[31m31mm")
	f.Fuzz(func(t *testing.T, text string) {
		if got := clean(text, false); strings.ContainsAny(got, "\x1b\r\n\x07\x08\u009b") {
			t.Errorf("%q becomes %q", text, got)
		}
		if got := colours.ReplaceAllString(clean(text, true), ""); strings.Contains(escapes.ReplaceAllStringFunc(got, func(s string) string {
			if colours.MatchString(s) {
				return ""
			}
			return s
		}), "\x1b") {
			t.Errorf("%q becomes %q", text, got)
		}
	})
}

// TestLineText: what a service writes is shown as it is, and other lines with their level
// and attributes.
func TestLineText(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.Local)
	lines := []logLine{
		{Time: at, Service: "orders", Level: "info", Message: "\x1b[31mready\x1b[0m", Attributes: map[string]any{"stream": "stdout"}},
		{Time: at, Service: "gateway", Level: "warn", Message: "slow", Attributes: map[string]any{"path": "/x", "n": 2.0}},
	}
	var out bytes.Buffer
	if err := newLinePrinter(&out, false).print(lines); err != nil {
		t.Fatal(err)
	}
	if want := "03:04:05 orders  | ready\n03:04:05 gateway | warn slow n=2 path=/x\n"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
	p := newLinePrinter(&out, false)
	p.colour = true
	if text := p.text(lines[1]); !strings.Contains(text, "\x1b[33mwarn\x1b[0m") {
		t.Errorf("in colours: got %q", text)
	}
}
