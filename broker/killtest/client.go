package main

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// connect makes a client that waits for a broker that is away, and finds it soon when
// it is back.
func connect(addr string, more ...kgo.Opt) (*kgo.Client, error) {
	return kgo.NewClient(append(common(addr), more...)...)
}

func common(addr string) []kgo.Opt {
	return []kgo.Opt{
		kgo.SeedBrokers(addr),
		kgo.ClientID("killtest"),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.RetryBackoffFn(func(tries int) time.Duration {
			return min(time.Duration(tries)*20*time.Millisecond, 200*time.Millisecond)
		}),
		kgo.RequestRetries(1 << 20),
		kgo.RetryTimeout(time.Minute),
		kgo.UnknownTopicRetries(-1),
		kgo.MetadataMinAge(50 * time.Millisecond),
		kgo.DialTimeout(time.Second),
		kgo.AlwaysRetryEOF(), // what a kill makes of a new connection, and not the mark of TLS
		kgo.FetchMaxWait(250 * time.Millisecond),
	}
}

// prepare makes the topics, whose records stay.
func prepare(ctx context.Context, addr string) error {
	cl, err := connect(addr)
	if err != nil {
		return err
	}
	defer cl.Close()
	forever := "-1"
	configs := map[string]*string{"retention.ms": &forever, "retention.bytes": &forever}
	made, err := kadm.NewClient(cl).CreateTopics(ctx, partitions, 1, configs, plainTopic, copyTopic, txnTopic)
	if err == nil {
		err = made.Error()
	}
	if err != nil {
		return fmt.Errorf("make topics: %w", err)
	}
	return nil
}

// pause waits, and reports whether ctx goes on.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
