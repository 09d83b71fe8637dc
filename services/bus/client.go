package bus

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"axion/broker/batch"
)

const (
	sessionTimeout = 10 * time.Second
	// BrokerBatch is Kafka's default message.max.bytes: what is larger as a batch is refused.
	BrokerBatch = 1_048_588
	// heartbeat is how soon members hear of a newcomer or of its leaving.
	heartbeat = 500 * time.Millisecond
	// fetchWait is how long the broker may hold a fetch back for more data; a
	// partition that was paused is fetched again only after that.
	fetchWait = 500 * time.Millisecond
	// A fetch is kept decoded in memory while handlers work, once per client.
	fetchBytes          = 8 << 20
	fetchPartitionBytes = 1 << 20
)

// clientOptions are those of every client of the bus.
func clientOptions(o *Options) []kgo.Opt {
	return append([]kgo.Opt{
		kgo.SeedBrokers(o.Brokers...),
		kgo.ClientID(o.Service),
		kgo.WithLogger(&clientLog{log: o.Log, last: make(map[string]time.Time)}),
		kgo.DisableClientMetrics(),
		// A local broker is back within milliseconds of a restart; kgo's own
		// pace is made for clusters far away.
		kgo.RetryBackoffFn(reconnectDelay),
		kgo.MetadataMinAge(100 * time.Millisecond),
		kgo.FetchMaxWait(fetchWait),
		kgo.FetchMaxBytes(fetchBytes),
		kgo.FetchMaxPartitionBytes(fetchPartitionBytes),
		kgo.WithDecompressor(batch.Decompressor()),
		// Producing: KafkaJS can read no compression but gzip, and must find
		// a key on the same partition as we do.
		kgo.ProducerBatchCompression(kgo.NoCompression()),
		kgo.ProducerBatchMaxBytes(BrokerBatch),
		kgo.ProducerLinger(0),
		kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.RecordPartitioner(partitioner{kgo.StickyKeyPartitioner(nil)}),
	}, o.Client...)
}

// groupOptions add what consuming in the service's group needs.
func groupOptions(o *Options) []kgo.Opt {
	return append(clientOptions(o),
		kgo.ConsumerGroup(Group(o.Service)),
		kgo.Balancers(roundRobin{kgo.RoundRobinBalancer()}),
		kgo.SessionTimeout(sessionTimeout),
		kgo.HeartbeatInterval(heartbeat),
		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.DisableAutoCommit(),
		kgo.BlockRebalanceOnPoll(),
	)
}

// reconnectDelay doubles from 20 ms to 1 s, with jitter.
func reconnectDelay(failures int) time.Duration {
	d := time.Second
	if failures < 6 {
		d = 20 * time.Millisecond << max(0, failures-1)
	}
	return d/2 + rand.N(d/2)
}

// roundRobin calls kgo's balancer by the name that KafkaJS uses for the same
// algorithm: members of one group must agree on a name.
type roundRobin struct{ kgo.GroupBalancer }

func (roundRobin) ProtocolName() string { return "RoundRobinAssigner" }

// anyPartition, in a record's Partition, leaves the choice to its key.
const anyPartition = -1

// partitioner honours a partition that the record names, as replies do.
type partitioner struct{ byKey kgo.Partitioner }

func (p partitioner) ForTopic(topic string) kgo.TopicPartitioner {
	return topicPartitioner{p.byKey.ForTopic(topic)}
}

type topicPartitioner struct{ byKey kgo.TopicPartitioner }

func (p topicPartitioner) RequiresConsistency(r *kgo.Record) bool {
	return r.Partition >= 0 || p.byKey.RequiresConsistency(r)
}

func (p topicPartitioner) Partition(r *kgo.Record, n int) int {
	if r.Partition >= 0 && int(r.Partition) < n {
		return int(r.Partition)
	}
	return p.byKey.Partition(r, n)
}

// OnNewBatch lets messages without a key move on to another partition.
func (p topicPartitioner) OnNewBatch() {
	if sticky, ok := p.byKey.(kgo.TopicPartitionerOnNewBatch); ok {
		sticky.OnNewBatch()
	}
}

// logPause is how long a warning of kgo's is not repeated: while the broker is
// away it has the same ones many times a second.
const logPause = 5 * time.Second

// clientLog passes kgo's warnings and errors on.
type clientLog struct {
	log *slog.Logger

	mu   sync.Mutex
	last map[string]time.Time // by message; kgo's are constants
}

func (*clientLog) Level() kgo.LogLevel { return kgo.LogLevelWarn }

func (l *clientLog) Log(level kgo.LogLevel, msg string, keyvals ...any) {
	if l.repeated(msg) {
		return
	}
	to := slog.LevelWarn
	if level == kgo.LogLevelError {
		to = slog.LevelError
	}
	l.log.Log(context.Background(), to, msg, keyvals...)
}

func (l *clientLog) repeated(msg string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if now.Sub(l.last[msg]) < logPause {
		return true
	}
	l.last[msg] = now
	return false
}
