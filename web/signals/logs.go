package signals

import (
	"context"
	"log/slog"
	"net/url"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"axion/web/telemetry"
)

// Logs answers what pages ask of log lines.
type Logs struct{ Ring *telemetry.Logs }

// Register adds /api/logs.
func (l Logs) Register(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID: "list-logs", Method: "GET", Path: "/api/logs",
		Summary: "The newest log lines of the stack and of those who send theirs, oldest first",
	}, l.list)
}

// LogList is the answer of /api/logs, and what the channel "logs" sends. Next is
// the number of the last line that was looked at: as after it gives what follows.
type LogList struct {
	Items   []telemetry.Log    `json:"items"`
	Next    string             `json:"next"`
	LeftOut int                `json:"leftOut" doc:"How many older lines match, beyond the limit."`
	Stats   telemetry.LogStats `json:"stats"`
}

// logQuery says which lines are asked for.
type logQuery struct {
	Service string `query:"service" doc:"Must have written the line."`
	Level   string `query:"level" enum:"debug,info,warn,error" default:"debug" doc:"The least severe level that is wanted."`
	Text    string `query:"text" doc:"Looked for in messages, services, trace ids and attributes."`
	Trace   string `query:"trace" doc:"The trace that the line is of."`
	After   uint64 `query:"after" doc:"The next of an answer before: only what came after it."`
	Limit   int    `query:"limit" minimum:"1" maximum:"20000" default:"200"`
}

// levels by their names.
var levels = map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError}

func (l Logs) read(in logQuery) (list LogList, last uint64, changed <-chan struct{}) {
	level, ok := levels[in.Level]
	if !ok {
		level = slog.LevelDebug
	}
	filter := telemetry.LogFilter{Service: in.Service, Level: level, Text: in.Text, Trace: in.Trace, After: in.After}
	list.Items, last, list.LeftOut, changed = l.Ring.List(filter, in.Limit)
	list.Next, list.Stats = strconv.FormatUint(last, 10), l.Ring.Stats()
	return list, last, changed
}

func (l Logs) list(_ context.Context, in *logQuery) (*struct{ Body LogList }, error) {
	list, _, _ := l.read(*in)
	return &struct{ Body LogList }{list}, nil
}

// Watch is the channel "logs", with the query of /api/logs: the newest lines, then
// those that come. Of many at once the newest are sent, and how many were not.
func (l Logs) Watch(ctx context.Context, query url.Values, send func(any) error) error {
	after, _ := strconv.ParseUint(query.Get("after"), 10, 64) // none: from the first on
	in := logQuery{
		Service: query.Get("service"), Level: query.Get("level"), Text: query.Get("text"), Trace: query.Get("trace"), After: after,
		Limit: maxBatch,
	}
	if n, err := strconv.Atoi(query.Get("limit")); err == nil && n > 0 {
		in.Limit = min(n, maxLogBatch)
	}
	for first := true; ; first = false {
		list, last, changed := l.read(in)
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
const maxLogBatch = 1000
