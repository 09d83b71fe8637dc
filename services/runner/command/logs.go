package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/websocket"
	"github.com/spf13/cobra"

	"axion/web/view"
)

const (
	// maxLines is how many lines are asked for at once: more than the stack keeps.
	maxLines = 20_000
	// maxLive is how many come at once while they are followed.
	maxLive = 1000
)

// logLine is a line of the stack's log.
type logLine struct {
	Seq        uint64         `json:"seq"`
	Time       time.Time      `json:"time"`
	Level      string         `json:"level"`
	Service    string         `json:"service"`
	Message    string         `json:"message"`
	Attributes map[string]any `json:"attributes"`
	TraceID    string         `json:"traceId,omitempty"`
}

// logList is a part of the log. Next is what the following part comes after.
type logList struct {
	Items   []logLine `json:"items"`
	Next    string    `json:"next"`
	LeftOut int       `json:"leftOut"`
}

// logs is one call of `axion logs`.
type logs struct {
	client   *client
	services []string // empty: all
	since    time.Time
	level    string
	printer  linePrinter
}

func logsCommand(s Stack) *cobra.Command {
	cmd := &cobra.Command{
		Use: "logs [SERVICE...]", Short: "Print the log lines of services and of the stack",
		Long: "Print the newest log lines that the running stack keeps, oldest first: of the services of the compose file, of the\n" +
			"stack's own parts, and what was sent by OTLP. With names, those of these services alone. What is older is in\n" +
			".axion/logs/SERVICE.log.",
		Example: "  axion logs -f orders\n  axion logs --since 5m --level warn",
	}
	cmd.Flags().StringArrayVar(s.Files, "file", nil, "compose `FILE` of the stack") // whose shorthand is that of --follow here
	follow := cmd.Flags().BoolP("follow", "f", false, "print the lines that come too, until Ctrl-C or the stack's end")
	since := cmd.Flags().String("since", "", "leave out lines before `TIME`: a duration such as 5m, or a time as in 2026-01-31T08:00:00Z")
	tail := cmd.Flags().IntP("tail", "n", 0, "print the newest `N` lines of what is kept (default: all of it)")
	level := cmd.Flags().String("level", "debug", "leave out lines less severe than `LEVEL`: debug, info, warn or error")
	asJSON := cmd.Flags().Bool("json", false, "print a line of JSON for each")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		l := logs{services: args, level: *level, printer: newLinePrinter(cmd.OutOrStdout(), *asJSON)}
		if plain, err := cmd.Flags().GetBool("no-color"); err == nil && plain { // a flag of the root's
			l.printer.colour = false
		}
		var err error
		if l.since, err = parseSince(*since, time.Now()); err != nil {
			return err
		}
		if !slices.Contains([]string{"debug", "info", "warn", "error"}, l.level) {
			return fmt.Errorf("--level %q: must be debug, info, warn or error", l.level)
		}
		if *tail < 0 {
			return fmt.Errorf("--tail %d: must be 0 or more", *tail)
		}
		if l.client, err = s.open(); err != nil {
			return err
		}
		return l.run(cmd.Context(), *tail, *follow)
	}
	return cmd
}

// parseSince reads --since; zero for no bound.
func parseSince(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04", time.DateOnly} {
		if at, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			return at, nil
		}
	}
	return time.Time{}, fmt.Errorf("--since %q: is no duration such as 5m, and no time such as 2026-01-31T08:00:00Z", text)
}

// run prints what is kept, and what comes where it is followed.
func (l *logs) run(ctx context.Context, tail int, follow bool) error {
	list, err := l.kept(ctx)
	if err != nil {
		return err
	}
	if err := l.check(ctx, list.Items); err != nil {
		return err
	}
	wanted := slices.DeleteFunc(list.Items, func(line logLine) bool { return !l.wants(line) })
	if tail > 0 && len(wanted) > tail {
		wanted = wanted[len(wanted)-tail:]
	}
	if err := l.printer.print(wanted); err != nil || !follow {
		return err
	}
	return l.follow(ctx, list.Next)
}

func (l *logs) query(after string, limit int) map[string]string {
	q := map[string]string{"level": l.level, "limit": strconv.Itoa(limit)}
	if after != "" {
		q["after"] = after
	}
	return q
}

// kept asks for the lines that the stack keeps.
func (l *logs) kept(ctx context.Context) (list logList, err error) {
	query := url.Values{}
	for name, value := range l.query("", maxLines) {
		query.Set(name, value)
	}
	err = l.client.get(ctx, "/api/logs?"+query.Encode(), &list)
	return list, err
}

// check refuses names that no service has and no line is of.
func (l *logs) check(ctx context.Context, lines []logLine) error {
	if len(l.services) == 0 {
		return nil
	}
	all, err := l.client.services(ctx)
	if err != nil {
		return err
	}
	var system view.System
	if err := l.client.get(ctx, "/api/system", &system); err != nil {
		return err
	}
	known := map[string]bool{}
	for _, s := range all {
		known[s.Name] = true
	}
	for _, p := range system.Parts {
		known[p.Name] = true
	}
	for _, line := range lines {
		known[line.Service] = true
	}
	for _, name := range l.services {
		if !known[name] {
			return unknown(name, slices.Sorted(maps.Keys(known)))
		}
	}
	return nil
}

func (l *logs) wants(line logLine) bool {
	return (len(l.services) == 0 || slices.Contains(l.services, line.Service)) && !line.Time.Before(l.since)
}

// follow prints lines as they come, until ctx ends or the stack does, neither of which is an
// error.
func (l *logs) follow(ctx context.Context, after string) error {
	dialer := websocket.Dialer{NetDialContext: l.client.dial, HandshakeTimeout: queryTimeout}
	conn, res, err := dialer.DialContext(ctx, "ws"+strings.TrimPrefix(l.client.Dashboard, "http")+"/ws", nil)
	if res != nil {
		defer func() { _ = res.Body.Close() }()
	}
	switch {
	case err != nil && res != nil:
		return problem(res.Status, res.Body)
	case err != nil:
		return &unreachableError{err}
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	conn.SetReadLimit(maxAnswer)
	if err := conn.WriteJSON(map[string]any{"watch": 1, "channel": "logs", "query": l.query(after, maxLive)}); err != nil {
		return &unreachableError{err}
	}
	for {
		list, err := nextLines(conn)
		switch {
		case ctx.Err() != nil || ended(err):
			return nil
		case err != nil:
			return err
		}
		if list.LeftOut > 0 {
			l.printer.printLeftOut(list.LeftOut)
		}
		list.Items = slices.DeleteFunc(list.Items, func(line logLine) bool { return !l.wants(line) })
		if err := l.printer.print(list.Items); err != nil {
			return err
		}
	}
}

// ended says whether a connection has ended with the stack.
func ended(err error) bool {
	_, closed := errors.AsType[*websocket.CloseError](err)
	_, broken := errors.AsType[*net.OpError](err)
	return closed || broken || errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed)
}

// nextLines reads the next lines of the watch; the state that pages get is passed over.
func nextLines(conn *websocket.Conn) (list logList, err error) {
	for {
		var message struct {
			Kind, Error string
			Data        json.RawMessage
		}
		if err := conn.ReadJSON(&message); err != nil {
			return list, err
		}
		switch {
		case message.Kind != "watch":
		case message.Error != "":
			return list, errors.New(message.Error)
		case len(message.Data) > 0:
			return list, json.Unmarshal(message.Data, &list)
		}
	}
}
