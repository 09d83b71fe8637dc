package graph_test

import (
	"context"
	"log/slog"
	"slices"
	"testing"
	"time"

	"axion/services/contract"
	"axion/services/graph"
	"axion/services/host/hosttest"
)

// messages is a log handler that gives what is logged.
type messages chan string

func (m messages) Enabled(context.Context, slog.Level) bool { return true }
func (m messages) WithAttrs([]slog.Attr) slog.Handler       { return m }
func (m messages) WithGroup(string) slog.Handler            { return m }
func (m messages) Handle(_ context.Context, r slog.Record) error {
	m <- r.Message
	return nil
}

// TestFeedOutage: while the feed cannot be read, that is logged once, whoever asks for it,
// and its end too. Who was closed for it gets what was missed.
func TestFeedOutage(t *testing.T) {
	t.Parallel()
	cluster := hosttest.Cluster(t)
	hosttest.Auth(t, cluster)
	r := &rig{t: t, cluster: cluster, dir: t.TempDir()}
	options := hosttest.Options(t, cluster, r.dir)
	logged := make(messages, 1000)
	options.Shared, options.Log = true, slog.New(logged)
	h, err := graph.New(t.Context(), options)
	r.Service = hosttest.Start(t, h, err)
	k := r.events()
	changed := func(user string) {
		k.Event(contract.NotificationTopic(contract.Graph), "", contract.NotificationCreated, user+time.Now().String(), `{"userId":"`+user+`"}`)
	}
	rename := func(from, to string) {
		if _, err := r.DB.Exec("ALTER TABLE " + from + " RENAME TO " + to); err != nil {
			t.Fatal(err)
		}
	}
	sockets := map[string]*socket{"alice": r.dial(t, "alice", ""), "bob": r.dial(t, "bob", "")}
	for _, s := range sockets {
		s.join(t)
	}
	rename("feed", "away")
	for user, s := range sockets {
		changed(user)
		s.closed(t)
	}
	rename("away", "feed")
	r.dial(t, "alice", "").join(t)
	changed("alice")
	var all []string
	for !slices.Contains(all, "messages sent again") {
		select {
		case text := <-logged:
			all = append(all, text)
		case <-time.After(hosttest.Deadline):
			t.Fatalf("got %q, want its end logged", all)
		}
	}
	const lost = "messages not sent; those to come wait until the feed can be read"
	if n := len(slices.DeleteFunc(slices.Clone(all), func(text string) bool { return text != lost })); n != 1 {
		t.Errorf("logged %d times: %q", n, all)
	}
}
