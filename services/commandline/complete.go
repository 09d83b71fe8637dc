package commandline

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"axion/web/summary"
	"axion/web/view"
)

const (
	// completionTimeout bounds what a completion asks the stack: a shell waits for it.
	completionTimeout = 300 * time.Millisecond
	maxAnswer         = 16 << 20 // bytes
)

// Stack is the running stack that names are completed from.
type Stack struct {
	// Running is where it listens; the error says that none runs.
	Running func() (summary.Summary, error)
	// Check looks at a connection before anything is sent: its error is the request's. Nil lets
	// every one be.
	Check func(net.Conn) error
	// Builtins are the services that flags of root and of "up" name.
	Builtins []string
}

// Complete has the arguments and flags of root's commands completed that their usage calls
// SERVICE, TOPIC and URL, those aside that are completed already. Without a running stack there is
// nothing to complete with, which is no error.
func Complete(root *cobra.Command, s Stack) {
	kinds := map[string]cobra.CompletionFunc{"SERVICE": s.complete(s.services), "TOPIC": s.complete(s.topics), "URL": s.complete(s.urls)}
	builtins := cobra.FixedCompletions(s.Builtins, cobra.ShellCompDirectiveNoFileComp)
	walk(root, func(cmd *cobra.Command) {
		if cmd.ValidArgs == nil && cmd.ValidArgsFunction == nil {
			cmd.ValidArgsFunction = arguments(cmd, kinds)
		}
		cmd.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
			name, _ := pflag.UnquoteUsage(f)
			name, _, _ = strings.Cut(name, "=")
			complete := kinds[name]
			if name == "URL" || complete == nil {
				return // one of elsewhere
			}
			if cmd == root || cmd.Name() == "up" {
				complete = builtins
			}
			_ = cmd.RegisterFlagCompletionFunc(f.Name, complete) // it has one already
		})
	})
}

// arguments completes those that a command's usage names, the last one again where it ends with
// dots. It is nil for a command without any that are known.
func arguments(cmd *cobra.Command, kinds map[string]cobra.CompletionFunc) cobra.CompletionFunc {
	var all []cobra.CompletionFunc
	repeated := false
	for _, word := range strings.Fields(cmd.Use)[1:] {
		kind := kinds[strings.Trim(word, "[].…")]
		if kind == nil {
			break
		}
		all, repeated = append(all, kind), strings.Contains(word, "...") || strings.Contains(word, "…")
	}
	if len(all) == 0 {
		return nil
	}
	return func(cmd *cobra.Command, args []string, word string) ([]cobra.Completion, cobra.ShellCompDirective) {
		at := len(args)
		if repeated {
			at = min(at, len(all)-1)
		}
		if at >= len(all) {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return all[at](cmd, args, word)
	}
}

// complete makes a completion of what names returns, without those that are there.
func (s Stack) complete(names func(context.Context) []string) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, word string) ([]cobra.Completion, cobra.ShellCompDirective) {
		ctx, cancel := context.WithTimeout(cmd.Context(), completionTimeout)
		defer cancel()
		found := slices.DeleteFunc(names(ctx), func(name string) bool {
			return !strings.HasPrefix(name, word) || slices.Contains(args, name)
		})
		slices.Sort(found)
		return slices.Compact(found), cobra.ShellCompDirectiveNoFileComp
	}
}

func (s Stack) services(ctx context.Context) []string {
	var names []string
	for _, service := range list[view.Service](ctx, s, "/api/services") {
		names = append(names, service.Name)
	}
	return names
}

func (s Stack) topics(ctx context.Context) []string {
	var names []string
	for _, topic := range list[view.Topic](ctx, s, "/api/topics") {
		names = append(names, topic.Name)
	}
	return names
}

// urls are those that routes with a host lead from.
func (s Stack) urls(ctx context.Context) []string {
	at, err := s.Running()
	if err != nil {
		return nil
	}
	var all []string
	for _, route := range list[view.Route](ctx, s, "/api/routes") {
		if url := route.URL(at.HTTP, at.HTTPS); url != "" {
			all = append(all, url)
		}
	}
	return all
}

// list asks the dashboard for a list; nil where it cannot be had.
func list[T any](ctx context.Context, s Stack, path string) []T {
	at, err := s.Running()
	if err != nil {
		return nil
	}
	transport := &http.Transport{DisableKeepAlives: true, DialContext: s.dial} // no proxy: it is on this machine
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.Dashboard+path, nil)
	if err != nil {
		return nil
	}
	res, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return nil
	}
	defer func() { _ = res.Body.Close() }()
	var body struct{ Items []T }
	if res.StatusCode != http.StatusOK || json.NewDecoder(io.LimitReader(res.Body, maxAnswer)).Decode(&body) != nil {
		return nil
	}
	return body.Items
}

func (s Stack) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil || s.Check == nil {
		return conn, err
	}
	if err := s.Check(conn); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("ask the running stack: %w", err)
	}
	return conn, nil
}
