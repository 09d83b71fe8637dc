// Package explorer shows people what a Kafka cluster holds: it reads, searches and tails
// messages, and samples the lag of groups.
package explorer

import (
	"context"
	"log/slog"
	"net/url"
	"sync"
	"time"

	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"axion/broker/admin"
	"axion/web/view"
)

const (
	// sampleInterval is how often an [Explorer] samples lag and rates, and sampleTimeout
	// bounds one sample.
	sampleInterval = 3 * time.Second
	sampleTimeout  = 5 * time.Second
)

// Explorer shows people what a cluster holds: its messages, live and in the past,
// its topics and groups, and the lag of the last fifteen minutes, which it samples
// as long as it lives. Its methods are safe for concurrent use.
type Explorer struct {
	*Reader
	history   *history
	retention retentionCache
	tracer    trace.Tracer
	stop      context.CancelFunc
	sampler   sync.WaitGroup
}

// New begins to sample. The admin stays the caller's, and outlives the
// Explorer, which the caller closes. Tracer makes the spans of messages that a person
// writes, with which their traces begin; nil means that there are none. Nil log means
// slog.Default().
func New(cluster *admin.Admin, tracer trace.TracerProvider, log *slog.Logger) *Explorer {
	if tracer == nil {
		tracer = noop.NewTracerProvider()
	}
	if log == nil {
		log = slog.Default()
	}
	ctx, cancel := context.WithCancel(context.Background())
	e := &Explorer{Reader: NewReader(cluster), history: newHistory(), tracer: tracer.Tracer("axion/broker"), stop: cancel}
	e.sampler.Go(func() {
		tick := time.NewTicker(sampleInterval)
		defer tick.Stop()
		for {
			if err := e.sample(ctx); err != nil && ctx.Err() == nil {
				log.Debug("no sample of the broker", "error", err)
			}
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	})
	return e
}

// Close ends the sampling. It never fails.
func (e *Explorer) Close(context.Context) error {
	e.stop()
	e.sampler.Wait()
	return nil
}

// Channels are what pages can watch, by name: "tail" follows a topic, "lag" how
// far groups are behind. Each says what happens until its context ends.
func (e *Explorer) Channels() map[string]func(ctx context.Context, query url.Values, send func(any) error) error {
	return map[string]func(context.Context, url.Values, func(any) error) error{"tail": e.tailTopic, "lag": e.lag}
}

// sample asks the cluster once.
func (e *Explorer) sample(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, sampleTimeout)
	defer cancel()
	topics, err := e.admin.AllTopics(ctx)
	if err != nil {
		return err
	}
	groups, err := e.admin.Groups().DescribeAll(ctx)
	if err != nil {
		return err
	}
	e.history.add(time.Now(), topics, groups, e.sizes(ctx))
	e.retention.refresh(ctx, e.admin, topics)
	return nil
}

// sizes are the bytes of each topic, of one replica, and nil where the cluster
// does not say.
func (e *Explorer) sizes(ctx context.Context) map[string]int64 {
	brokers, err := e.admin.Kadm().DescribeAllLogDirs(ctx, nil)
	if err != nil {
		return nil
	}
	largest := map[topicPartition]int64{}
	for _, dirs := range brokers {
		for _, dir := range dirs {
			for topic, partitions := range dir.Topics {
				for id, p := range partitions {
					at := topicPartition{topic, id}
					largest[at] = max(largest[at], p.Size)
				}
			}
		}
	}
	sizes := map[string]int64{}
	for at, size := range largest {
		sizes[at.topic] += size
	}
	return sizes
}

// Topics lists the cluster's topics by name, its own ones too. Offsets are those of
// now; the rest is of the last sample, some seconds old.
func (e *Explorer) Topics(ctx context.Context) ([]view.Topic, error) {
	topics, err := e.admin.AllTopics(ctx)
	if err != nil {
		return nil, err
	}
	states := e.history.states(topics)
	for i := range states {
		states[i].Keeps = e.retention.of(states[i].Name)
	}
	return states, nil
}
