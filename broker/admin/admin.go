// Package admin asks a Kafka cluster for its topics, groups and lag, and changes them,
// over the Kafka protocol alone: it is the same on the embedded broker and on any other.
package admin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	batches "axion/broker/batch"
	"axion/broker/partitioner"
)

// Admin reads and creates topics, reads and produces messages, and reads groups,
// over the Kafka protocol alone, so that it shows the same on the embedded broker
// and on any cluster. All of it goes over one client's connections.
// It is safe for concurrent use.
type Admin struct {
	raw    *kgo.Client
	client *kadm.Client
}

// brokerBatch is Kafka's default message.max.bytes: what a broker refuses, it says.
const brokerBatch = 1_048_588

// New returns an Admin of the cluster that seeds (host:port each) belong
// to. It connects when first used. opts add what a cluster needs, such as SASL
// and TLS. Nil log means slog.Default(). The caller closes it.
func New(seeds []string, log *slog.Logger, opts ...kgo.Opt) (*Admin, error) {
	if log == nil {
		log = slog.Default()
	}
	all := append([]kgo.Opt{
		kgo.SeedBrokers(seeds...),
		kgo.ClientID("axion-admin"),
		// Answers are shown to people: no staler than they would notice.
		kgo.MetadataMinAge(50 * time.Millisecond),
		kgo.RecordPartitioner(partitioner.ByKey()),
		// Whoever reads what a person wrote may read no compression, as KafkaJS.
		kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.ProducerBatchMaxBytes(brokerBatch),
		kgo.ProducerLinger(0), kgo.RecordDeliveryTimeout(produceTimeout), kgo.UnknownTopicRetries(0),
		kgo.WithLogger(NewLogger(log)), kgo.WithDecompressor(batches.Decompressor()),
	}, opts...)
	client, err := kgo.NewClient(all...)
	if err != nil {
		return nil, fmt.Errorf("kafka admin client: %w", err)
	}
	return &Admin{raw: client, client: kadm.NewClient(client)}, nil
}

// Close closes the connections.
func (a *Admin) Close() { a.client.Close() }

// Client is the client whose connections the Admin uses, for requests that it has no
// method for. It is closed with the Admin.
func (a *Admin) Client() *kgo.Client { return a.raw }

// Kadm is that client with kadm's requests.
func (a *Admin) Kadm() *kadm.Client { return a.client }

// Ping returns nil if a broker answers a metadata request before ctx ends.
func (a *Admin) Ping(ctx context.Context) error {
	if err := a.raw.Ping(ctx); err != nil {
		return fmt.Errorf("ask for metadata: %w", err)
	}
	return nil
}

// Create creates the topics that do not exist yet, with this many partitions
// (-1: the cluster's default) and the cluster's replication. It returns when
// each of them has a leader for all its partitions.
func (a *Admin) Create(ctx context.Context, partitions int32, topics ...string) error {
	_, err := a.create(ctx, partitions, nil, topics)
	return err
}

// create is [Admin.Create] with settings for those that are new; it names those
// that were there.
func (a *Admin) create(ctx context.Context, partitions int32, settings map[string]*string, topics []string) (old []string, err error) {
	if len(topics) == 0 {
		return nil, nil
	}
	answers, err := a.client.CreateTopics(ctx, partitions, -1, settings, topics...)
	if err != nil {
		return nil, fmt.Errorf("create topics: %w", err)
	}
	for _, topic := range answers.Sorted() {
		if errors.Is(topic.Err, kerr.TopicAlreadyExists) {
			old = append(old, topic.Topic)
		} else if topic.Err != nil {
			return nil, fmt.Errorf("create topic %q: %w", topic.Topic, topic.Err)
		}
	}
	return old, a.awaitLeaders(ctx, topics)
}

// NewLogger passes a client's logs on at debug: its callers report errors.
func NewLogger(log *slog.Logger) kgo.Logger { return clientLog{log} }

type clientLog struct{ log *slog.Logger }

var _ kgo.Logger = clientLog{}

// Level implements [kgo.Logger].
func (l clientLog) Level() kgo.LogLevel {
	if l.log.Enabled(context.Background(), slog.LevelDebug) {
		return kgo.LogLevelInfo
	}
	return kgo.LogLevelNone
}

// Log implements [kgo.Logger].
func (l clientLog) Log(_ kgo.LogLevel, msg string, keyvals ...any) {
	l.log.Debug("kafka admin client: "+msg, keyvals...)
}
