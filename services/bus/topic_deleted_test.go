package bus

import (
	"bytes"
	"context"
	"database/sql"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"axion/services/bus/conn"
	"axion/services/contract"
)

// journal is a log that can be read while it is written.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

// keep has a bus write there, from a level on.
func (j *journal) keep(level slog.Level) func(*Options) {
	return func(o *Options) { o.Log = slog.New(slog.NewTextHandler(j, &slog.HandlerOptions{Level: level})) }
}

func (j *journal) count(what string) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Count(j.text.String(), what)
}

// TestDeletedTopic deletes each topic of two running buses: they make it again,
// and requests, events and the outbox go on without a flood in the log.
func TestDeletedTopic(t *testing.T) {
	t.Parallel()
	for _, topic := range []string{contract.Topic("server"), contract.ReplyTopic("client"), contract.DeadLetterTopic("server")} {
		t.Run(topic, func(t *testing.T) {
			t.Parallel()
			brokers := startCluster(t).ListenAddrs()
			log := &journal{}
			logged := log.keep(slog.LevelInfo)
			server, client := openBus(t, brokers, "server", logged), openBus(t, brokers, "client", logged)
			events := make(chan string, 100)
			server.Handle("ASK", func(_ context.Context, m *Message) (any, error) { return m.Data(), nil })
			server.Handle("EVENT", func(_ context.Context, m *Message) (any, error) { events <- m.ID; return nil, nil })
			runBus(t, server)
			db := openDB(t)
			relay(t, client, db)
			asks := func() bool {
				ctx, cancel := context.WithTimeout(testContext(t), time.Second)
				defer cancel()
				var got question
				err := client.Request(ctx, Call{Topic: "axion.server", Type: "ASK", In: question{"x"}, Out: &got})
				if conn.IsDeleted(err) {
					t.Errorf("request: got %v, want another try", err)
				}
				return err == nil && got.Text == "x"
			}
			tell := func(id string) {
				t.Helper()
				inTx(t, db, func(tx *sql.Tx) error {
					return client.Enqueue(testContext(t), tx, Event{ID: id, Type: "EVENT", Topic: "axion.server", Key: "k"})
				})
				client.WakeRelay()
				for receive(t, events, "event "+id) != id {
				}
			}
			tell("before")
			eventually(t, "requests are answered before", asks)
			admin := kadm.NewClient(plainClient(t, brokers))
			if _, err := admin.DeleteTopic(testContext(t), topic); err != nil {
				t.Fatal(err)
			}
			if topic != contract.DeadLetterTopic("server") { // nobody reads that one
				eventually(t, "the topic is there again", func() bool {
					known, err := admin.ListTopics(testContext(t), topic)
					return err == nil && known[topic].Err == nil
				})
			}
			// An answer that was for the old topic is lost.
			eventually(t, "requests are answered", asks)
			tell("after")
			tell("last")
			if got := log.count("UNKNOWN_TOPIC_ID"); got > 20 {
				t.Errorf("log: got %d lines about the topic, want a few", got)
			}
		})
	}
}
