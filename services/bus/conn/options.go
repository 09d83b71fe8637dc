package conn

import (
	"math/rand/v2"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"axion/broker/batch"
	"axion/broker/partitioner"
	"axion/services/bus/groups"
)

const (
	sessionTimeout = 10 * time.Second
	// BrokerBatch is Kafka's default message.max.bytes: what is larger as a batch is refused.
	BrokerBatch = 1_048_588
	// heartbeatInterval is how soon members learn that one joins or leaves.
	heartbeatInterval = 500 * time.Millisecond
	// fetchTimeout is how long the broker may delay a fetch for more data; a
	// partition that was paused is fetched again only after that.
	fetchTimeout = 500 * time.Millisecond
	// A fetch stays decoded in memory while handlers run, once per client.
	fetchBytes          = 8 << 20
	fetchPartitionBytes = 1 << 20
)

// clientOptions are those of every client of the bus.
func (o *Options) clientOptions() []kgo.Opt {
	return append([]kgo.Opt{
		kgo.SeedBrokers(o.Brokers...),
		kgo.ClientID(o.Service),
		kgo.WithLogger(&clientLog{log: o.Log, last: make(map[string]time.Time)}),
		kgo.DisableClientMetrics(),
		// A local broker is back within milliseconds of a restart; kgo's own
		// backoff is made for clusters far away.
		kgo.RetryBackoffFn(reconnectDelay),
		kgo.MetadataMinAge(100 * time.Millisecond),
		kgo.FetchMaxWait(fetchTimeout),
		kgo.FetchMaxBytes(fetchBytes),
		kgo.FetchMaxPartitionBytes(fetchPartitionBytes),
		kgo.WithDecompressor(batch.Decompressor()),
		// Producing: KafkaJS can read no compression but gzip, and must put
		// a key on the same partition.
		kgo.ProducerBatchCompression(kgo.NoCompression()),
		kgo.ProducerBatchMaxBytes(BrokerBatch),
		kgo.ProducerLinger(0),
		kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.RecordPartitioner(partitioner.ByKey()),
	}, o.Client...)
}

// groupOptions add those of a member of the service's group.
func (o *Options) groupOptions() []kgo.Opt {
	return append(o.clientOptions(),
		kgo.ConsumerGroup(groups.Name(o.Service)),
		kgo.Balancers(roundRobin{kgo.RoundRobinBalancer()}),
		kgo.SessionTimeout(sessionTimeout),
		kgo.HeartbeatInterval(heartbeatInterval),
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
