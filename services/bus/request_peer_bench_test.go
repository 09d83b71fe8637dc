//go:build unix

package bus

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"axion/services/bus/message"
	"axion/services/bus/requester"
)

// peerTime is how long the peer waits for an answer.
const peerTime = 30 * time.Second

// peerRequest is the least that a correct program does with kgo: who answers is in a
// group and commits what the broker has acknowledged the answer to, drops what is
// late, and sends the answer where it is asked for; who asks waits until a deadline, and
// sees the failure to send. Values are JSON that is made and read. The handler runs in
// the loop that polls, which one that waits for anything must not.
func peerRequest(b *testing.B, brokers []string, opts ...kgo.Opt) func() {
	makeTopics(b, openBus(b, brokers, "maker"), "peer.in", "peer.out")
	ctx, cancel := context.WithCancel(context.Background())
	server := rawClient(b, brokers, slices.Concat(opts, []kgo.Opt{
		kgo.ConsumeTopics("peer.in"), kgo.ConsumerGroup("peer"), kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.AutoCommitMarks(), kgo.AutoCommitInterval(100 * time.Millisecond),
	})...)
	client := rawClient(b, brokers, slices.Concat(opts, []kgo.Opt{
		kgo.ConsumeTopics("peer.out"), kgo.ConsumeResetOffset(kgo.NewOffset().AtEnd()),
	})...)
	var running sync.WaitGroup
	b.Cleanup(func() { cancel(); running.Wait() })
	running.Go(func() {
		for ctx.Err() == nil {
			server.PollFetches(ctx).EachRecord(func(r *kgo.Record) { answerPeer(ctx, server, r) })
		}
	})
	var waiting sync.Map
	running.Go(func() {
		for ctx.Err() == nil {
			client.PollFetches(ctx).EachRecord(func(r *kgo.Record) {
				if done, ok := waiting.LoadAndDelete(Headers(r.Headers).Get(message.HeaderCorrelation)); ok {
					done.(chan []byte) <- r.Value
				}
			})
		}
	})
	in := question{strings.Repeat("x", 200-len(`{"text":""}`))}
	return func() {
		var out question
		if err := askPeer(ctx, client, &waiting, in, &out); err != nil || out != in {
			b.Errorf("got %v, %v", out, err)
		}
	}
}

// answerPeer handles a request.
func answerPeer(ctx context.Context, server *kgo.Client, r *kgo.Record) {
	h := Headers(r.Headers)
	expires, err := strconv.ParseInt(h.Get(message.HeaderExpires), 10, 64)
	partition, failed := strconv.ParseInt(h.Get(message.HeaderReplyPartition), 10, 32)
	if err != nil || failed != nil || time.Now().UnixMilli() > expires {
		return
	}
	var q question
	if err := json.Unmarshal(r.Value, &q); err != nil {
		return
	}
	value, err := json.Marshal(q)
	if err != nil {
		return
	}
	server.Produce(ctx, &kgo.Record{
		Topic: h.Get(message.HeaderReplyTopic), Partition: int32(partition), Value: value, Headers: []Header{
			{Key: message.HeaderCorrelation, Value: []byte(h.Get(message.HeaderCorrelation))},
			{Key: message.HeaderDisposed, Value: message.Disposed},
			{Key: message.HeaderTraceparent, Value: []byte(h.Get(message.HeaderTraceparent))},
		},
	}, func(_ *kgo.Record, err error) {
		if err == nil {
			server.MarkCommitRecords(r)
		}
	})
}

// askPeer sends a request and waits for its answer.
func askPeer(ctx context.Context, client *kgo.Client, waiting *sync.Map, in, out any) error {
	limited, cancel := context.WithTimeout(ctx, peerTime)
	defer cancel()
	value, err := json.Marshal(in)
	if err != nil {
		return err
	}
	id, done, failed := requester.NewID(), make(chan []byte, 1), make(chan error, 1)
	waiting.Store(id, done)
	defer waiting.Delete(id)
	at, _ := limited.Deadline()
	client.Produce(ctx, &kgo.Record{
		Topic: "peer.in", Partition: message.AnyPartition, Value: value, Headers: []Header{
			{Key: message.HeaderCorrelation, Value: []byte(id)}, {Key: message.HeaderReplyTopic, Value: []byte("peer.out")},
			{Key: message.HeaderReplyPartition, Value: []byte("1")}, {Key: message.HeaderType, Value: []byte("ECHO")},
			{Key: message.HeaderExpires, Value: strconv.AppendInt(nil, at.UnixMilli(), 10)},
			{Key: message.HeaderTraceparent, Value: []byte("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")},
		},
	}, func(_ *kgo.Record, err error) {
		if err != nil {
			failed <- err
		}
	})
	select {
	case value = <-done:
		return json.Unmarshal(value, out)
	case err = <-failed:
		return err
	case <-limited.Done():
		return limited.Err()
	}
}
