package broker

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"axion/broker/admin"
	"axion/broker/advertise"
	"axion/broker/retention"
)

const defaultPartitions = 3

// Options of [Start].
type Options struct {
	// Listener is where clients connect. It is required, already bound, and
	// owned by the broker from the call of Start on, even when Start fails.
	// More are further ones; nil means none.
	Listener net.Listener
	More     []net.Listener
	// Addresses are those of Listener and More as they were asked for, for the log: a
	// listener at 0.0.0.0 says that it is at [::]. Nil means what the listeners say.
	Addresses []string
	// Advertise is the host:port that is advertised, whichever way
	// they come in; port 0 means the one that they came in on. Empty means the
	// address that each client came in on: localhost for those on this machine.
	// See [advertise.New].
	Advertise string
	// Dir keeps topics, records and commits. It is required, and created
	// (mode 0700) where missing. The caller holds a lock on it, as of package datadir:
	// two brokers on one directory lose records.
	Dir string
	// Topics exist once Start returns.
	Topics []string
	// InfiniteTopics are topics that exist too, and whose records never go: a service's
	// history is one. RetentionBytes does not count for them.
	InfiniteTopics []string
	// Partitions of each topic that is created without a number of its own.
	// Zero means 3.
	Partitions int32
	// RetentionBytes is what each partition keeps at the least before its
	// oldest segments go; a topic's own retention.bytes overrides it, and
	// compacted topics have none. Zero means 1 GiB; a negative number keeps
	// everything.
	RetentionBytes int64
	// Retention is how old the records of a segment get before it goes; a
	// topic's own retention.ms overrides it. The newest segment stays. Zero
	// means 7 days; a negative number keeps everything.
	Retention time.Duration
	// Replaced reports the members of consumer groups, by group and client id, whose place
	// others take at the start: those that an earlier broker has left in the directory then
	// leave at once, where others have the time of a session to come back. Nil: none.
	Replaced func(group, clientID string) bool
	// Log takes the broker's logs; those of kfake are at debug. Nil means
	// slog.Default().
	Log *slog.Logger

	// For tests: a clock, the pace of retention, and a disk. Zero means the
	// real ones.
	now            func() time.Time
	retentionEvery time.Duration
	disk           func(dir string) (retention.Disk, error)
}

// complete checks the options and fills in the defaults.
func (o Options) complete() (Options, error) {
	if o.Listener == nil {
		return o, errors.New("no listener")
	}
	if o.Dir == "" {
		return o, errors.New("no data directory")
	}
	for _, topic := range slices.Concat(o.Topics, o.InfiniteTopics) {
		if err := admin.CheckTopicName(topic); err != nil {
			return o, err
		}
	}
	if o.Partitions == 0 {
		o.Partitions = defaultPartitions
	}
	if o.Partitions < 0 || o.Partitions > admin.MaxPartitions {
		return o, fmt.Errorf("%d partitions: must be from 1 to %d", o.Partitions, admin.MaxPartitions)
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return o, nil
}

// policy is the address that the broker advertises.
func (o Options) policy() (advertise.Policy, error) {
	var fixed advertise.Endpoint
	if o.Advertise != "" {
		var err error
		if fixed, err = advertise.Parse(o.Advertise); err != nil {
			return advertise.Policy{}, fmt.Errorf("advertised address %w", err)
		}
	}
	var bound []net.Addr
	for _, l := range o.listeners() {
		bound = append(bound, l.Addr())
	}
	return advertise.New(bound, fixed), nil
}

// listeners are all of them.
func (o Options) listeners() []net.Listener {
	return append([]net.Listener{o.Listener}, o.More...)
}

// retentionMillis is -1 where nothing goes for its age.
func (o Options) retentionMillis() int64 {
	if o.Retention < 0 {
		return -1
	}
	return o.Retention.Milliseconds()
}

// names are the settings in force, by [Options].
func (o Options) names() retention.Names {
	return retention.Names{
		AgeMs: o.retentionMillis(), SetAge: o.Retention != 0,
		Bytes: max(o.RetentionBytes, -1), SetBytes: o.RetentionBytes != 0,
		Others: map[string]string{
			// Members of the newer group protocol learn of a rebalance by
			// their heartbeats, which this paces. Kafka's 5 s is for many.
			"group.consumer.heartbeat.interval.ms": "500",
		},
	}
}

// kfake are its options.
func (o Options) kfake() []kfake.Opt {
	return []kfake.Opt{
		kfake.NumBrokers(1),
		kfake.ClusterID("axion"),
		kfake.DefaultNumPartitions(int(o.Partitions)),
		kfake.DataDir(o.Dir),
		kfake.BrokerConfigs(o.names().Kfake()),
		kfake.MaxVersions(versions()),
	}
}

// versions are those of the newest Kafka, but for Produce: from version 13 on,
// which names topics by id, a request with two unknown ids ends the process
// inside kfake. Any producer that outlives its topics sends one.
func versions() *kversion.Versions {
	v := kversion.Stable()
	v.SetMaxKeyVersion(int16(kmsg.Produce), 12)
	return v
}

// warnRemote warns of what it means that other machines reach the broker: it asks
// for no password.
func (o Options) warnRemote() {
	var remote []string
	for i, l := range o.listeners() {
		switch {
		case !advertise.IsRemote(l.Addr()):
		case i < len(o.Addresses):
			remote = append(remote, o.Addresses[i])
		default:
			remote = append(remote, l.Addr().String())
		}
	}
	if len(remote) > 0 {
		o.Log.Warn("broker: Kafka listens beyond this machine, without a password: whoever reaches it can read, write and delete every topic; "+
			"where that is not meant, listen on localhost or on a container bridge's address alone", "addresses", fmt.Sprint(remote))
	}
}
