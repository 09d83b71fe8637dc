// Package signals answers what pages ask of the traces and the log lines that are kept.
package signals

import (
	"context"
	"errors"
	"net/url"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"axion/web/telemetry"
	"axion/web/view"
)

// Traces answers what pages ask of traces.
type Traces struct{ Store *telemetry.Store }

// Register adds /api/traces.
func (t Traces) Register(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID: "list-traces", Method: "GET", Path: "/api/traces", Summary: "The traces that are kept, newest first",
	}, t.list)
	huma.Register(api, huma.Operation{
		OperationID: "get-trace", Method: "GET", Path: "/api/traces/{id}", Summary: "The spans and the log lines of a trace",
	}, t.one)
}

// TraceList is the answer of /api/traces: newest first, and how full the store is.
type TraceList struct {
	Items []telemetry.Summary `json:"items"`
	Next  string              `json:"next"` // always empty: older ones are found by filters
	Stats telemetry.Stats     `json:"stats"`
}

// traceQuery says which traces are asked for.
type traceQuery struct {
	Text    string    `query:"text" doc:"Looked for in names, services, ids and attributes."`
	Service string    `query:"service" doc:"Must have taken part."`
	Errors  bool      `query:"errors" doc:"Only those with an error."`
	Slower  int       `query:"slower" minimum:"0" maximum:"3600000" doc:"Only those that took at least so many milliseconds."`
	From    time.Time `query:"from" doc:"Only those that began then or later."`
	To      time.Time `query:"to" doc:"Only those that began then or before."`
	Limit   int       `query:"limit" minimum:"1" maximum:"500" default:"100"`
}

func (q traceQuery) filter() telemetry.Filter {
	return telemetry.Filter{
		Text: q.Text, Service: q.Service, Errors: q.Errors, Slower: time.Duration(q.Slower) * time.Millisecond, From: q.From, To: q.To,
	}
}

func (t Traces) list(_ context.Context, in *traceQuery) (*struct{ Body TraceList }, error) {
	return &struct{ Body TraceList }{TraceList{Items: t.Store.List(in.filter(), in.Limit), Stats: t.Store.Stats()}}, nil
}

// Trace is the answer of /api/traces/{id}, and what the channel "trace" sends.
type Trace struct {
	TraceID string           `json:"traceId"`
	Spans   []telemetry.Span `json:"spans"`
	Logs    []telemetry.Log  `json:"logs"`
}

// maxTraceLogs bounds the log lines that come with a trace.
const maxTraceLogs = 500

func (t Traces) one(_ context.Context, in *struct {
	ID string `path:"id"`
}) (*struct{ Body Trace }, error) {
	spans := t.Store.Trace(in.ID)
	if spans == nil {
		return nil, huma.Error404NotFound("there is no such trace, or none any more: only the newest are kept")
	}
	logs, _, _, _ := t.Store.Logs.List(telemetry.LogFilter{Trace: in.ID}, maxTraceLogs)
	return &struct{ Body Trace }{Trace{in.ID, spans, logs}}, nil
}

// traceBatch is a message of the channel "traces": the traces that are new or have
// changed, and how full the store is. LeftOut is how many others changed, which
// under load were left out.
type traceBatch struct {
	Items   []telemetry.Summary `json:"items"`
	LeftOut int                 `json:"leftOut"`
	Stats   telemetry.Stats     `json:"stats"`
	// Snapshot is set on the first message: Items are all that match.
	Snapshot bool `json:"snapshot,omitempty"`
}

// maxBatch bounds what a channel sends at once; batchDelay is the time between.
const (
	maxBatch   = 200
	batchDelay = 200 * time.Millisecond
)

// Watch is the channel "traces", with the query of /api/traces: those that are
// there, newest first, then those that change.
func (t Traces) Watch(ctx context.Context, query url.Values, send func(any) error) error {
	q, err := traceQueryOf(query)
	if err != nil {
		return err
	}
	_, version, _, changed := t.Store.Changes(q.filter(), ^uint64(0), 0)
	first, _ := t.list(ctx, &q)
	if err := send(traceBatch{Items: first.Body.Items, Stats: first.Body.Stats, Snapshot: true}); err != nil {
		return err
	}
	for wait(ctx, changed) {
		var b traceBatch
		b.Items, version, b.LeftOut, changed = t.Store.Changes(q.filter(), version, maxBatch)
		b.Stats = t.Store.Stats()
		if err := send(b); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// wait waits for a change, and then a little for what comes with it; it reports
// false once ctx has ended.
func wait(ctx context.Context, changed <-chan struct{}) bool {
	select {
	case <-changed:
	case <-ctx.Done():
		return false
	}
	rest := time.NewTimer(batchDelay)
	defer rest.Stop()
	select {
	case <-rest.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func traceQueryOf(query url.Values) (q traceQuery, err error) {
	number := func(name string, otherwise, most int) int {
		text := query.Get(name)
		if text == "" {
			return otherwise
		}
		n, bad := strconv.Atoi(text)
		if bad != nil || n < 0 || n > most {
			err = errors.Join(err, errors.New(name+" is not a number from 0 to "+strconv.Itoa(most)))
		}
		return n
	}
	moment := func(name string) (at time.Time) {
		if text := query.Get(name); text != "" {
			var bad error
			if at, bad = time.Parse(time.RFC3339, text); bad != nil {
				err = errors.Join(err, errors.New(name+" is not a time such as 2026-01-31T12:00:00Z"))
			}
		}
		return at
	}
	return traceQuery{
		Text: query.Get("text"), Service: query.Get("service"), Errors: query.Get("errors") == "true",
		Slower: number("slower", 0, 3_600_000), Limit: max(1, number("limit", 100, 500)), From: moment("from"), To: moment("to"),
	}, err
}

// WatchOne is the channel "trace": the whole of the trace id, each time that it
// has grown. A trace that is not there yet, or any more, has no spans.
func (t Traces) WatchOne(ctx context.Context, query url.Values, send func(any) error) error {
	id := query.Get("id")
	var had, line uint64
	for first := true; ; first = false {
		spans, version, changed := t.Store.Watch(id)
		logs, _, _, logged := t.Store.Logs.List(telemetry.LogFilter{Trace: id}, maxTraceLogs)
		last := line
		if len(logs) > 0 {
			last = logs[len(logs)-1].Seq
		}
		if first || version != had || last != line {
			had, line = version, last
			if err := send(Trace{id, view.NonNil(spans), logs}); err != nil {
				return err
			}
		}
		either := make(chan struct{})
		waiting, stop := context.WithCancel(ctx)
		go func() {
			defer close(either)
			select {
			case <-changed:
			case <-logged:
			case <-waiting.Done():
			}
		}()
		again := wait(ctx, either)
		stop()
		<-either
		if !again {
			return ctx.Err()
		}
	}
}
