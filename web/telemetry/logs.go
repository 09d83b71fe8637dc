package telemetry

import (
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Bounds of the logs that are kept.
const (
	maxLogs     = 20_000
	maxLogBytes = 16 << 20
	// maxText bounds one text of a log, in bytes.
	maxText = 8 << 10
)

// Log is one line of a log: of this process's own parts, or received by OTLP.
type Log struct {
	// Seq numbers the lines as they came, from 1.
	Seq        uint64         `json:"seq"`
	Time       time.Time      `json:"time"`
	Level      string         `json:"level" enum:"debug,info,warn,error"`
	Service    string         `json:"service"`
	Instance   string         `json:"instance,omitempty"`
	Message    string         `json:"message"`
	Attributes map[string]any `json:"attributes"`
	TraceID    string         `json:"traceId,omitempty"` // empty outside of a trace
	SpanID     string         `json:"spanId,omitempty"`

	severity slog.Level
}

// size is about what a line takes in memory, in bytes.
func (l *Log) size() int {
	return 250 + len(l.Message) + len(l.Service) + len(l.Instance) + sizeOf(l.Attributes)
}

// Logs keeps the newest log lines. Its zero value is ready, and it is safe for
// concurrent use.
type Logs struct {
	export atomic.Pointer[logExport]

	mu     sync.Mutex
	lines  []Log // oldest first, from start on
	start  int
	bytes  int
	last   uint64
	of     map[string]int // lines that are kept, by service
	change notifier
}

// AddLine keeps a line that a process of a service wrote to a stream, stdout or stderr.
func (l *Logs) AddLine(service, stream, text string, at time.Time) {
	l.Add(Log{Time: at, Level: "info", Service: service, Message: text, Attributes: map[string]any{"stream": stream}})
}

// Add keeps lines, and numbers them. The oldest make room.
func (l *Logs) Add(lines ...Log) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.of == nil {
		l.of = map[string]int{}
	}
	for i := range lines {
		l.last++
		lines[i].Seq = l.last
		l.lines = append(l.lines, lines[i])
		l.bytes += lines[i].size()
		l.of[lines[i].Service]++
	}
	for len(l.lines)-l.start > maxLogs || l.bytes > maxLogBytes {
		oldest := &l.lines[l.start]
		l.bytes -= oldest.size()
		if l.of[oldest.Service]--; l.of[oldest.Service] == 0 {
			delete(l.of, oldest.Service)
		}
		l.start++
	}
	// Readers may still look at the lines: they are moved, and never overwritten.
	if l.start > 1000 && l.start > len(l.lines)/2 {
		l.lines, l.start = slices.Clone(l.lines[l.start:]), 0
	}
	l.change.notify()
}

// One gives the line with a number, where it is kept.
func (l *Logs) One(seq uint64) (line Log, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	kept := l.lines[l.start:]
	if len(kept) == 0 || seq < kept[0].Seq || seq > l.last {
		return Log{}, false
	}
	return kept[seq-kept[0].Seq], true
}

// LogStats is how full the ring of logs is.
type LogStats struct {
	Lines   int    `json:"lines"`
	Bytes   int    `json:"bytes"`
	Dropped uint64 `json:"dropped" doc:"Lines that made room for newer ones."`
}

// Stats is how full the ring is.
func (l *Logs) Stats() LogStats {
	l.mu.Lock()
	defer l.mu.Unlock()
	kept := len(l.lines) - l.start
	return LogStats{kept, l.bytes, l.last - uint64(kept)}
}

// Services lists whose lines are kept, by name.
func (l *Logs) Services() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	names := slices.AppendSeq(make([]string, 0, len(l.of)), maps.Keys(l.of))
	slices.Sort(names)
	return names
}

// LogFilter says which lines are asked for; its zero value means all.
type LogFilter struct {
	// Service must have written it.
	Service string
	// Level is the least severe one that is wanted.
	Level slog.Level
	// Text is looked for in messages, services and attributes, in any case.
	Text string
	// Attribute must be there, and be Value, in JSON where it is no text, unless that is empty.
	Attribute, Value string
	// Trace and Span must be the line's.
	Trace, Span string
	// After leaves out lines with this number and lower ones.
	After uint64
}

// List gives the newest lines that f takes, limit at most, oldest first; last is the
// number of the newest line that was looked at, and left out how many older ones
// of those that f takes there were beyond limit. changed is closed when there is more.
func (l *Logs) List(f LogFilter, limit int) (found []Log, last uint64, leftOut int, changed <-chan struct{}) {
	l.mu.Lock()
	lines := l.lines[l.start:]
	last, changed = l.last, l.change.wait()
	l.mu.Unlock()
	f.Text = strings.ToLower(f.Text)
	found = []Log{}
	for _, line := range slices.Backward(lines) {
		switch {
		case line.Seq <= f.After:
			slices.Reverse(found)
			return found, last, leftOut, changed
		case !f.takes(&line):
		case len(found) < limit:
			found = append(found, line)
		default:
			leftOut++
		}
	}
	slices.Reverse(found)
	return found, last, leftOut, changed
}

func (f LogFilter) takes(l *Log) bool {
	if f.Service != "" && l.Service != f.Service || l.severity < f.Level || f.Trace != "" && l.TraceID != f.Trace || f.Span != "" &&
		l.SpanID != f.Span {
		return false
	}
	if f.Attribute != "" && !f.takesAttribute(l.Attributes) {
		return false
	}
	return f.Text == "" || contains(l.Message, f.Text) || contains(l.Service, f.Text) || contains(l.TraceID, f.Text) ||
		containsIn(l.Attributes, f.Text)
}

func (f LogFilter) takesAttribute(all map[string]any) bool {
	found, ok := all[f.Attribute]
	if !ok || f.Value == "" {
		return ok
	}
	if text, ok := found.(string); ok {
		return text == f.Value
	}
	text, err := json.Marshal(found)
	return err == nil && string(text) == f.Value
}

// contains looks for a text in lower case, in any case.
func contains(in, text string) bool { return strings.Contains(strings.ToLower(in), text) }

func containsIn(attributes map[string]any, text string) bool {
	for _, v := range attributes {
		if s, ok := v.(string); ok && contains(s, text) {
			return true
		}
	}
	return false
}

// levelOf names a level.
func levelOf(level slog.Level) string {
	switch {
	case level >= slog.LevelError:
		return "error"
	case level >= slog.LevelWarn:
		return "warn"
	case level >= slog.LevelInfo:
		return "info"
	}
	return "debug"
}
