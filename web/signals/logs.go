package signals

import (
	"context"
	"log/slog"
	"net/url"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"axion/web/telemetry"
)

// Logs answers what pages ask of log lines.
type Logs struct{ Ring *telemetry.Logs }

// Register adds /api/logs, and /api/logs/file for what is kept beyond a page.
func (l Logs) Register(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID: "list-logs", Method: "GET", Path: "/api/logs",
		Summary: "The newest log lines of the stack and of those who send theirs, oldest first",
	}, l.list)
	huma.Register(api, huma.Operation{
		OperationID: "show-log", Method: "GET", Path: "/api/logs/{seq}", Summary: "One log line",
	}, l.one)
	huma.Register(api, huma.Operation{
		OperationID: "download-logs", Method: "GET", Path: "/api/logs/file",
		Summary: "All log lines that are kept and match, oldest first, as a file",
	}, l.file)
}

// LogList is the answer of /api/logs, and what the channel "logs" sends. Next is
// the number of the last line that was looked at: as after it gives what follows.
type LogList struct {
	Items   []telemetry.Log    `json:"items"`
	Next    string             `json:"next"`
	LeftOut int                `json:"leftOut" doc:"How many older lines match, beyond the limit."`
	Stats   telemetry.LogStats `json:"stats"`
	// Services are all whose lines are kept, whatever is asked for.
	Services []string `json:"services"`
	// Snapshot is set on a channel's first message: Items are all that match, up to the limit.
	Snapshot bool `json:"snapshot,omitempty"`
}

// LogFilter says which lines are asked for. Its zero value asks for all.
type LogFilter struct {
	Service string `query:"service" doc:"Must have written the line."`
	Level   string `query:"level" enum:"debug,info,warn,error" default:"debug" doc:"The least severe level that is wanted."`
	Text    string `query:"text" doc:"Looked for in messages, services, trace ids and attributes."`
	Trace   string `query:"trace" doc:"The trace that the line is of."`
	Field   string `query:"field" doc:"An attribute that the line has, as name, or as name=value. Values that are no text are in JSON."`
}

// filter is the query as the ring has it.
func (in LogFilter) filter() telemetry.LogFilter {
	level, ok := levels[in.Level]
	if !ok {
		level = slog.LevelDebug
	}
	f := telemetry.LogFilter{Service: in.Service, Level: level, Text: in.Text, Trace: in.Trace}
	f.Attribute, f.Value, _ = strings.Cut(in.Field, "=")
	return f
}

// logQuery says which lines are asked for, and how many.
type logQuery struct {
	LogFilter
	After uint64 `query:"after" doc:"The next of an answer before: only what came after it."`
	Limit int    `query:"limit" minimum:"1" maximum:"20000" default:"200"`
}

// levels by their names.
var levels = map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError}

func (l Logs) read(in logQuery) (list LogList, last uint64, changed <-chan struct{}) {
	filter := in.filter()
	filter.After = in.After
	list.Items, last, list.LeftOut, changed = l.Ring.List(filter, in.Limit)
	list.Next, list.Stats = strconv.FormatUint(last, 10), l.Ring.Stats()
	list.Services = l.Ring.Services()
	return list, last, changed
}

func (l Logs) list(_ context.Context, in *logQuery) (*struct{ Body LogList }, error) {
	list, _, _ := l.read(*in)
	return &struct{ Body LogList }{list}, nil
}

func (l Logs) one(_ context.Context, in *struct {
	Seq uint64 `path:"seq" doc:"The line's number."`
}) (*struct{ Body telemetry.Log }, error) {
	line, ok := l.Ring.One(in.Seq)
	if !ok {
		return nil, huma.Error404NotFound("there is no such line, or none any more: only the newest are kept")
	}
	return &struct{ Body telemetry.Log }{line}, nil
}

// Watch is the channel "logs", with the query of /api/logs: the newest lines, then
// those that come. Of many at once the newest are sent, and how many were not.
func (l Logs) Watch(ctx context.Context, query url.Values, send func(any) error) error {
	after, _ := strconv.ParseUint(query.Get("after"), 10, 64) // none: from the first on
	in := logQuery{After: after, Limit: maxBatch, LogFilter: LogFilter{
		Service: query.Get("service"), Level: query.Get("level"), Text: query.Get("text"), Trace: query.Get("trace"), Field: query.Get("field"),
	}}
	if n, err := strconv.Atoi(query.Get("limit")); err == nil && n > 0 {
		in.Limit = min(n, maxLogBatch)
	}
	for first := true; ; first = false {
		list, last, changed := l.read(in)
		list.Snapshot = first
		if first || len(list.Items) > 0 {
			if err := send(list); err != nil {
				return err
			}
		}
		in.After = last
		if !wait(ctx, changed) {
			return ctx.Err()
		}
	}
}

// maxLogBatch bounds the lines of one message.
const maxLogBatch = 5000
