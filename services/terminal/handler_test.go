package terminal

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spf13/pflag"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// buffer is a screen's writer. It is safe for concurrent use.
type buffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.String()
}

// flagsOf parses flags.
func flagsOf(t *testing.T, args ...string) *Flags {
	t.Helper()
	f := new(Flags)
	set := pflag.NewFlagSet("", pflag.ContinueOnError)
	f.Register(set)
	f.RegisterQuiet(set)
	if err := set.Parse(args); err != nil {
		t.Fatal(err)
	}
	return f
}

// TestPeople: a message has its service in front, its error behind, and what is long below.
func TestPeople(t *testing.T) {
	t.Parallel()
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		log  func(*slog.Logger)
		want string // after the time
	}{
		"OK/plain": {func(l *slog.Logger) { l.Info("ready") }, "INFO  ready"},
		"OK/service": {func(l *slog.Logger) {
			l.With("service", "broker").Warn("broker: a \"quoted\" word", "error", errors.New(`open "x": no`), "after", 1234567*time.Microsecond)
		}, `WARN  broker: a "quoted" word: open "x": no  after=1.23s`},
		"OK/place": {func(l *slog.Logger) {
			l.Error("no such command", "service", "orders", "file", filepath.Join(here, "compose.yaml"), "line", 12, "hint", "install node")
		}, "ERROR compose.yaml:12: orders: no such command\n  hint: install node"},
		"OK/said once": {func(l *slog.Logger) {
			l.Error("compose.yaml:12: no port", "service", "orders", "file", "compose.yaml", "line", 12, "error", "no port")
		}, "ERROR orders: compose.yaml:12: no port"},
		"OK/lines": {func(l *slog.Logger) {
			l.Error("process ended", "service", "orders", "error", "status 1", "last_lines", "one\n\x1b[31mtwo\x1b[0m\x1b[2J")
		}, "ERROR orders: process ended: status 1\n  | one\n  | two"},
		"OK/joined": {func(l *slog.Logger) { l.Error("stop", "error", errors.Join(errors.New("a"), errors.New("b"))) }, "ERROR stop: a\n  | b"},
		"OK/group": {func(l *slog.Logger) {
			l.With("service", "gateway").WithGroup("peer").Info("gone", "port", 80, slog.Group("tls", "version", 13), "empty", "")
		}, "INFO  gateway: gone  peer.port=80 peer.tls.version=13"},
		"OK/second service": {func(l *slog.Logger) {
			l.With("service", "gateway").Warn("server is down", "service", "orders@file", "span_id", "1")
		}, "WARN  gateway: server is down  service=orders@file"},
		"OK/files": {func(l *slog.Logger) {
			l.Info("changed", "files", []string{filepath.Join(here, "a.go"), "b.go"})
		}, "INFO  changed  files=a.go, b.go"},
		"OK/long": {func(l *slog.Logger) { l.Info("m", "k", strings.Repeat("é", 200)) }, "INFO  m  k=" + strings.Repeat("é", 100) + "…"},
		"OK/harm": {func(l *slog.Logger) { l.Info("a\x1b]0;title\ab\rc", "k", "\x1b[2J") }, "INFO  abc  k="},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out buffer
			h := NewHandler(Screen{&out, true, true}, flagsOf(t, "--no-color", "--quiet"))
			tt.log(slog.New(h))
			_ = h.Flush(t.Context())
			if got := out.String()[len("15:04:05 "):]; got != tt.want+"\n" {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

// TestColor: levels have colours on a terminal that shows them.
func TestColor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out buffer
		h := NewHandler(Screen{&out, true, true}, flagsOf(t))
		slog.New(h).Warn("lost", "service", "orders", "k", 1, "hint", "look")
		_ = h.Flush(t.Context())
		want := "\x1b[2m" + time.Now().Format(time.TimeOnly) +
			"\x1b[0m \x1b[33mWARN \x1b[0m \x1b[1morders:\x1b[0m lost  \x1b[2mk=\x1b[0m1\n\x1b[36m  hint: \x1b[0mlook\n"
		if out.String() != want {
			t.Errorf("got  %q\nwant %q", out.String(), want)
		}
	})
}

// TestFormat: the flags choose the format after the handler is made; without them it is slog's
// text where there is no terminal.
func TestFormat(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		terminal bool
		args     []string
		want     string
	}{
		"OK/pipe":          {false, nil, "level=INFO msg=ready service=orders peer.port=80\n"},
		"OK/terminal":      {true, nil, " INFO  orders: ready  peer.port=80\n"},
		"OK/terminal text": {true, []string{"--log-format", "text"}, "level=INFO msg=ready service=orders peer.port=80\n"},
		"OK/json":          {false, []string{"--log-format=json"}, `"level":"INFO","msg":"ready","service":"orders","peer":{"port":80}}` + "\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out buffer
			parsed := flagsOf(t, tt.args...)
			f := new(Flags)
			h := NewHandler(Screen{&out, tt.terminal, false}, f)
			log := slog.New(h).With("service", "orders").WithGroup("peer")
			*f = *parsed
			log.Debug("not wanted")
			log.Info("ready", "port", 80)
			_ = h.Flush(t.Context())
			if got := out.String(); !strings.HasSuffix(got, tt.want) || strings.Count(got, "\n") != 1 {
				t.Errorf("got %q, want %q at its end", got, tt.want)
			}
		})
	}
	t.Run("ErrFormat", func(t *testing.T) {
		t.Parallel()
		set := pflag.NewFlagSet("", pflag.ContinueOnError)
		new(Flags).Register(set)
		if err := set.Parse([]string{"--log-format", "xml"}); err == nil || !strings.Contains(err.Error(), `"xml" is neither text nor json`) {
			t.Errorf("got %v", err)
		}
	})
}

// TestRepeats: the same message is counted for a time, and another one is not.
func TestRepeats(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out buffer
		h := NewHandler(Screen{&out, true, false}, new(Flags))
		log := slog.New(h)
		for range 4 {
			log.Warn("down", "service", "orders", "hint", "start it")
			log.Warn("down", "service", "web")
			time.Sleep(time.Second)
		}
		time.Sleep(repeatTime)
		log.Warn("down", "service", "orders", "hint", "start it")
		log.Warn("down", "service", "orders", "hint", "start it")
		_ = h.Flush(t.Context())
		var got []string
		for line := range strings.Lines(out.String()) {
			got = append(got, strings.TrimRight(line[len("15:04:05 "):], "\n"))
		}
		want := "WARN  orders: down|tart it|WARN  web: down|" +
			"WARN  orders: down (3 times more)|WARN  web: down (3 times more)|WARN  orders: down|tart it|WARN  orders: down (once more)"
		if text := strings.Join(got, "|"); text != want && text != swapped(want) {
			t.Errorf("got  %s\nwant %s", text, want)
		}
	})
}

// swapped has two lines, which are due at the same time, the other way round.
func swapped(lines string) string {
	one, other := "WARN  orders: down (3 times more)", "WARN  web: down (3 times more)"
	return strings.Replace(lines, one+"|"+other, other+"|"+one, 1)
}

func TestClean(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ text, colored, plain string }{
		"OK/plain":       {"naïve ☕ 茶", "naïve ☕ 茶", "naïve ☕ 茶"},
		"OK/color":       {"\x1b[1;31mred\x1b[0m \x1b[38:5:200mpink", "\x1b[1;31mred\x1b[0m \x1b[38:5:200mpink\x1b[0m", "red pink"},
		"OK/tab":         {"a\tb", "a    b", "a    b"},
		"OK/cursor":      {"a\x1b[2J\x1b[1;1Hb\x1b[?1049hc\x1b[3Ad", "abcd", "abcd"},
		"OK/title":       {"a\x1b]0;evil\x07b\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "ablink", "ablink"},
		"OK/clipboard":   {"\x1b]52;c;ZXZpbA==\x07x", "x", "x"},
		"OK/device":      {"\x1bP$qm\x1b\\x\x1b[c\x1b[6n\x1bc", "x", "x"},
		"OK/modifiers":   {"\x1b[>4;2mx\x1b[?1mx", "xx", "xx"},
		"OK/bell":        {"a\a\b\b\x7fb\rc\v\f", "abc", "abc"},
		"OK/C1":          {"a\u009b2Jb\u0085", "a2Jb", "a2Jb"},
		"OK/no UTF-8":    {"a\x9b31mb\xff", "a31mb", "a31mb"},
		"OK/cut off":     {"a\x1b[31", "a", "a"},
		"OK/cut off OSC": {"a\x1b]0;title", "a", "a"},
		"OK/escape":      {"a\x1b", "a", "a"},
		"OK/empty":       {"", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := clean(tt.text, true); got != tt.colored {
				t.Errorf("in colour: got %q, want %q", got, tt.colored)
			}
			if got := clean(tt.text, false); got != tt.plain {
				t.Errorf("without: got %q, want %q", got, tt.plain)
			}
		})
	}
}

// FuzzClean: of control characters, escape alone is left, in front of a colour.
func FuzzClean(f *testing.F) {
	f.Add("\x1b[31mred\x1b[0m\x1b]0;x\a")
	f.Add("\u009b2J\x1bP\x1b\\")
	f.Fuzz(func(t *testing.T, text string) {
		if got := clean(text, false); hasControl(strings.ReplaceAll(got, "\uFFFD", "")) {
			t.Errorf("%q becomes %q", text, got)
		}
		for i, part := range strings.Split(clean(text, true), "\x1b") {
			end := strings.IndexByte(part, 'm')
			if i > 0 && (end < 1 || !isColor("\x1b"+part[:end+1])) {
				t.Errorf("%q has the sequence %q", text, part)
			}
		}
	})
}
