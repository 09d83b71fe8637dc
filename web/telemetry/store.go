// Package telemetry keeps the traces and logs of the running stack in memory: those
// of its own parts, and what services send by OTLP. The oldest go when the bounds
// are reached; nothing outlives the process.
package telemetry

import (
	"container/list"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Bounds of what is kept.
const (
	maxSpans = 50_000
	maxBytes = 64 << 20
	// maxTrace bounds the spans of one trace: a loop must not drive all others out.
	maxTrace = 2_000
)

// Span is one part of a trace, after OpenTelemetry's data model. Times are in UTC.
// In what a [Store] gives out, each number among the attributes is a [json.Cursor].
type Span struct {
	TraceID    string         `json:"traceId"`
	SpanID     string         `json:"spanId"`
	ParentID   string         `json:"parentId"` // empty for a root
	Name       string         `json:"name"`
	Kind       string         `json:"kind" enum:"internal,server,client,producer,consumer"`
	Service    string         `json:"service"`
	Instance   string         `json:"instance,omitempty"` // which of several of the service
	Start      time.Time      `json:"start"`
	End        time.Time      `json:"end"`
	Error      string         `json:"error"` // empty unless it failed
	Attributes map[string]any `json:"attributes"`
	Events     []SpanEvent    `json:"events"`
	Links      []SpanLink     `json:"links"`
}

// SpanEvent is something that happened during a span.
type SpanEvent struct {
	Name       string         `json:"name"`
	Time       time.Time      `json:"time"`
	Attributes map[string]any `json:"attributes"`
}

// SpanLink names a span of another trace.
type SpanLink struct {
	TraceID string `json:"traceId"`
	SpanID  string `json:"spanId"`
}

// Summary is a trace in a list. Root is the name of its first span, and Hops how
// many different services took part.
type Summary struct {
	TraceID  string    `json:"traceId"`
	Root     string    `json:"root"`
	Service  string    `json:"service"`
	Start    time.Time `json:"start"`
	Duration float64   `json:"durationMs"`
	Spans    int       `json:"spans"`
	Services []string  `json:"services"`
	Errors   int       `json:"errors"`
}

// Stats is how full the store is.
type Stats struct {
	Traces  int   `json:"traces"`
	Spans   int   `json:"spans"`
	Bytes   int   `json:"bytes"`
	Dropped int64 `json:"dropped"` // spans that made room, or had none in their trace
	Skipped int64 `json:"skipped"` // requests that were not sampled
}

// Store keeps traces and logs. Its zero value is not ready: use [New]. It is safe
// for concurrent use.
type Store struct {
	// Logs are the lines of the stack, and of those who send theirs.
	Logs Logs

	sampler *sampler
	intake  *intake

	mu      sync.Mutex
	traces  map[string]*list.Element // of *trace
	order   *list.List               // by arrival, oldest first
	recent  *list.List               // the same, by their last change
	spans   int
	bytes   int
	senders map[string]int // kept spans by service
	dropped int64
	version uint64 // counts changes
	changes notifier

	subscriptions map[*Subscription]struct{}
}

type trace struct {
	id      string
	spans   []encodedSpan // only ever appended to
	bytes   int
	version uint64        // of its last change
	recent  *list.Element // its place among those
}

func (t *trace) snapshot() traceSnapshot { return traceSnapshot{t.id, t.spans} }

// New returns an empty store.
func New() *Store {
	return &Store{
		traces: map[string]*list.Element{}, order: list.New(), recent: list.New(), senders: map[string]int{},
		sampler: newSampler(maxRoots), intake: newIntake(),
	}
}

// Add keeps spans, and returns how many it refused: their traces are full, or JSON
// has no form for them. The caller must not change them any more: followers are given
// them.
func (s *Store) Add(spans ...Span) (refused int) {
	texts := make([]encodedSpan, len(spans))
	errs := make([]error, len(spans))
	for i := range spans {
		texts[i], errs[i] = encode(&spans[i])
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range spans {
		if errs[i] != nil || !s.add(spans[i].TraceID, texts[i]) {
			refused++
		}
	}
	s.dropped += int64(refused)
	for s.spans > maxSpans || s.bytes > maxBytes {
		s.evict()
	}
	s.changes.notify()
	s.notify(spans)
	return refused
}

func (s *Store) add(id string, span encodedSpan) bool {
	e := s.traces[id]
	if e == nil {
		t := &trace{id: id}
		t.recent = s.recent.PushBack(t)
		e = s.order.PushBack(t)
		s.traces[id] = e
	}
	t := e.Value.(*trace)
	if len(t.spans) == maxTrace {
		return false
	}
	size := span.size()
	t.spans, t.bytes = append(t.spans, span), t.bytes+size
	s.spans++
	s.bytes += size
	s.senders[span.service]++
	s.version++
	t.version = s.version
	s.recent.MoveToBack(t.recent)
	return true
}

// evict drops the oldest trace.
func (s *Store) evict() {
	t := s.order.Remove(s.order.Front()).(*trace)
	s.recent.Remove(t.recent)
	delete(s.traces, t.id)
	s.spans -= len(t.spans)
	s.bytes -= t.bytes
	s.dropped += int64(len(t.spans))
	for i := range t.spans {
		name := t.spans[i].service
		if s.senders[name]--; s.senders[name] == 0 {
			delete(s.senders, name)
		}
	}
}

// Services gives the names of those whose spans are kept, in order.
func (s *Store) Services() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.senders))
}

// Stats is how full the store is.
func (s *Store) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Stats{len(s.traces), s.spans, s.bytes, s.dropped, s.sampler.skipped.Load()}
}

// Trace gives the spans of a trace, by their start; none where it is not kept.
func (s *Store) Trace(id string) []Span {
	spans, _, _ := s.Watch(id)
	return spans
}

// Watch is [Store.Trace] for who waits for more: the version grows when the trace
// does, and changed is closed when any does.
func (s *Store) Watch(id string) (spans []Span, version uint64, changed <-chan struct{}) {
	var texts []encodedSpan
	s.mu.Lock()
	if e := s.traces[id]; e != nil {
		t := e.Value.(*trace)
		texts, version = t.spans, t.version
	}
	changed = s.changes.wait()
	s.mu.Unlock()
	for i := range texts {
		spans = append(spans, texts[i].span())
	}
	slices.SortStableFunc(spans, func(a, b Span) int { return a.Start.Compare(b.Start) })
	return spans, version, changed
}

// Subscription receives spans as they are added to a [Store]. Its reader may be slow:
// what does not fit is left out, and counted.
type Subscription struct {
	// Spans are those that fit.
	Spans   <-chan Span
	to      chan Span
	dropped atomic.Int64
}

// Dropped is how many spans were left out since it was last called.
func (f *Subscription) Dropped() int64 { return f.dropped.Swap(0) }

// Subscribe has a reader receive each span from now on, of which capacity may wait,
// until stop is called.
func (s *Store) Subscribe(capacity int) (f *Subscription, stop func()) {
	to := make(chan Span, capacity)
	f = &Subscription{Spans: to, to: to}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.subscriptions == nil {
		s.subscriptions = map[*Subscription]struct{}{}
	}
	s.subscriptions[f] = struct{}{}
	return f, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.subscriptions, f)
	}
}

// notify hands spans to the followers. The caller holds mu.
func (s *Store) notify(spans []Span) {
	for f := range s.subscriptions {
		for i := range spans {
			select {
			case f.to <- spans[i]:
			default:
				f.dropped.Add(1)
			}
		}
	}
}

// notifier lets readers wait for the next change of what a lock guards, and is
// guarded by that lock itself. While nobody waits a change costs nothing.
type notifier struct{ next chan struct{} }

// wait is closed at the next change.
func (c *notifier) wait() <-chan struct{} {
	if c.next == nil {
		c.next = make(chan struct{})
	}
	return c.next
}

func (c *notifier) notify() {
	if c.next != nil {
		close(c.next)
		c.next = nil
	}
}

// sizeOf is about what an attribute's value takes in memory, in bytes.
func sizeOf(value any) int {
	switch v := value.(type) {
	case string:
		return 16 + len(v)
	case []byte:
		return 24 + len(v)
	case []string:
		n := 24
		for _, s := range v {
			n += 16 + len(s)
		}
		return n
	case []any:
		n := 24
		for _, item := range v {
			n += 16 + sizeOf(item)
		}
		return n
	case map[string]any:
		n := 48
		for k, item := range v {
			n += 64 + len(k) + sizeOf(item)
		}
		return n
	}
	return 16
}

// cut shortens a text to limit bytes, and says so.
func cut(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit], "") + "…"
}
