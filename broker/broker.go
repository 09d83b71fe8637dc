// Package broker runs the embedded Kafka broker, or connects to a Kafka cluster
// that was there before: both are a [Cluster].
//
// The broker is kfake behind a guard. Every connection passes through the
// guard, which lets only well-formed requests of bounded size reach kfake,
// creates topics durably in place of kfake, which would not, shortens long polls,
// and removes group members whose process has died.
package broker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"axion/broker/admin"
	"axion/broker/advertise"
	"axion/broker/answers"
	batches "axion/broker/batch"
	"axion/broker/budget"
	"axion/broker/connlimit"
	"axion/broker/membership"
	"axion/broker/migrate"
	"axion/broker/recovery"
	"axion/broker/retention"
)

const (
	defaultPartitions = 3
	// drainTimeout bounds how long Close waits for answers under way.
	drainTimeout = 500 * time.Millisecond
)

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

// Broker is a running embedded broker. Its methods are safe for concurrent use.
type Broker struct {
	policy    advertise.Policy
	log       *slog.Logger
	options   Options
	listener  *relistener
	admin     *admin.Admin
	faults    faults
	bulk      *bulk
	limiter   connlimit.Limiter // of connections from outside this process
	journal   *retention.Journal
	space     *retention.Space
	cleaner   *retention.Cleaner
	completer *answers.Completer
	groups    *migrate.Groups
	asking    *kgo.Client       // of completer and groups
	frames    *budget.Budget    // of requests that are being read
	rules     *batches.Settings // of topics' records

	topicNames topicNames

	// restartMu is held while the broker comes or goes, which these change with.
	restartMu sync.Mutex
	running   bool // between startCluster and stopCluster
	stopped   bool // Close was called
	cluster   *kfake.Cluster
	store     *recovery.Store
	guard     *guardedListener
	members   *members
	joined    *membership.Journal

	// clusterMu is held for reading around calls into cluster, which block for
	// ever once it is closed.
	clusterMu sync.RWMutex
	closed    bool

	stop     context.CancelFunc
	working  sync.WaitGroup
	closing  sync.Once
	closeErr error
}

// Start starts one broker on o.Listener, creates o.Topics, and returns when a
// Kafka client has seen them. The caller closes the broker, after its clients.
func Start(ctx context.Context, o Options) (*Broker, error) {
	o, err := o.complete()
	if err != nil {
		if o.Listener != nil {
			err = errors.Join(err, closeAll(o.listeners()))
		}
		return nil, fmt.Errorf("start broker: %w", err)
	}
	policy, err := o.policy()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start broker: %w", err), closeAll(o.listeners()))
	}
	b := &Broker{policy: policy, log: o.Log, options: o, faults: newFaults(), bulk: newBulk(o.Dir)}
	b.completer, b.groups = answers.New(own{b}), migrate.New(own{b})
	b.frames, b.rules = budget.New(frameMemory), &batches.Settings{Load: b.settingsOf}
	if err := b.open(o); err != nil {
		return nil, fmt.Errorf("start broker: %w", err)
	}
	if err := b.ensureTopics(ctx, o); err != nil {
		if !b.space.State() {
			err = &fullError{dir: o.Dir}
		}
		return nil, errors.Join(fmt.Errorf("start broker: %w", err), b.Close())
	}
	b.warnRemote()
	return b, nil
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

// open starts the cluster behind its guard. It takes the listeners: on failure
// they are closed.
func (b *Broker) open(o Options) error {
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return errors.Join(fmt.Errorf("create data directory: %w", err), closeAll(o.listeners()))
	}
	b.listener = newRelistener(o.listeners())
	asking, err := b.newAsking()
	if err != nil {
		return errors.Join(err, b.listener.Close())
	}
	b.asking = asking
	// Through memory, so that no number of clients from outside keeps it out.
	a, err := admin.New(b.Seeds(), o.Log, b.Client()...)
	if err != nil {
		asking.Close()
		return errors.Join(err, b.listener.Close())
	}
	b.admin = a
	b.prepareRetention()
	if err := b.startCluster(o.Replaced); err != nil {
		a.Close()
		asking.Close()
		return errors.Join(err, b.listener.Close())
	}
	ctx, stop := context.WithCancel(context.Background())
	b.stop = stop
	b.working.Go(func() { b.cleaner.Run(ctx) })
	b.working.Go(func() { b.writeDuplicates(ctx) })
	return nil
}

// startCluster starts the cluster behind a guarded listener of its own, without the
// members of groups that are replaced. Only Start calls it without holding turn.
func (b *Broker) startCluster(replaced membership.Replaced) error {
	o := b.options
	undone, err := retention.Prepare(o.Dir)
	if err != nil {
		return &openError{dir: o.Dir, err: err}
	}
	if undone > 0 {
		o.Log.Info("broker: undid a compaction that had not come to its end", "partitions", undone)
	}
	members := newMembers(b.removeMember)
	var guard *guardedListener
	var joined *membership.Journal
	var restored []membership.Member
	store, err := recovery.Open(o.Dir, o.Log, kfakeLogger{o.Log}, func(log kfake.Logger) (*kfake.Cluster, error) {
		err := joined.Close() // of an earlier try
		if err == nil {
			joined, restored, err = membership.Restore(o.Dir, restored, replaced)
		}
		var settings *recovery.Settings
		if err == nil {
			settings, err = recovery.RestoreSettings(o.Dir) // into what the other has left
		}
		if err != nil {
			return nil, &openError{dir: o.Dir, err: err}
		}
		guard = newGuardedListener(b.listener.listen(), b, members, o.Log)
		guard.joined, guard.settings = joined, settings
		cluster, err := kfake.NewCluster(append(b.settings(), kfake.WithLogger(log),
			kfake.ListenFn(func(string, string) (net.Listener, error) { return guard, nil }))...)
		if err != nil {
			return nil, errors.Join(&openError{dir: o.Dir, err: err}, guard.Close())
		}
		return cluster, nil
	})
	if err != nil {
		return errors.Join(err, joined.Close())
	}
	joined.Attach(store.Cluster)
	b.clusterMu.Lock()
	b.cluster, b.store, b.guard, b.members, b.joined, b.closed, b.running = store.Cluster, store, guard, members, joined, false, true
	b.clusterMu.Unlock()
	b.bulk.store.Forget()   // recovery may have written files anew
	members.await(restored) // before the first of them comes
	guard.open()
	return nil
}

// settings are kfake's.
func (b *Broker) settings() []kfake.Opt {
	o := b.options
	return []kfake.Opt{
		kfake.NumBrokers(1),
		kfake.ClusterID("axion"),
		kfake.DefaultNumPartitions(int(o.Partitions)),
		kfake.DataDir(o.Dir),
		kfake.BrokerConfigs(o.names().Kfake()),
		kfake.MaxVersions(versions()),
	}
}

// Damage is what was found damaged in the data directory, at the last start or
// restart.
func (b *Broker) Damage() []recovery.Damage {
	b.clusterMu.RLock()
	defer b.clusterMu.RUnlock()
	return b.store.Report.Damage
}

// versions are those of the newest Kafka, but for Produce: from version 13 on,
// which names topics by id, a request with two unknown ids ends the process
// inside kfake. Any producer that outlives its topics sends one.
func versions() *kversion.Versions {
	v := kversion.Stable()
	v.SetMaxKeyVersion(int16(kmsg.Produce), 12)
	return v
}

// ensureTopics creates the known topics and reads them back as any client would.
func (b *Broker) ensureTopics(ctx context.Context, o Options) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := b.Healthy(ctx); err != nil {
		return err
	}
	if err := b.admin.Create(ctx, o.Partitions, o.Topics...); err != nil {
		return err
	}
	return b.admin.RetainForever(ctx, o.Partitions, o.InfiniteTopics...)
}

// Addr is the host:port that is advertised to clients on this machine.
func (b *Broker) Addr() string { return b.policy.Local().String() }

// Seeds are Addr alone.
func (b *Broker) Seeds() []string { return []string{b.Addr()} }

// Client has clients of this process reach the broker through memory. Others need
// nothing to connect.
func (b *Broker) Client() []kgo.Opt { return []kgo.Opt{kgo.Dialer(b.listener.memory.dial)} }

// Admin reads this broker's topics and groups. It works until Close, which
// closes it.
func (b *Broker) Admin() *admin.Admin { return b.admin }

// Healthy asks the broker as a client in this process does, and returns nil if it
// answers before ctx ends.
func (b *Broker) Healthy(ctx context.Context) error {
	if err := b.admin.Ping(ctx); err != nil {
		return fmt.Errorf("broker %s: %w", b.Addr(), err)
	}
	return nil
}

// Close stops the broker: it takes no more requests, lets those under way be
// answered (for at most half a second), saves its state and frees the port.
// Clients must be closed before it, or they lose what they had not sent.
// Further calls return what the first one did.
func (b *Broker) Close() error {
	b.closing.Do(func() { b.closeErr = b.close() })
	return b.closeErr
}

func (b *Broker) close() error {
	b.faults.clear()
	b.stop()
	b.working.Wait()
	b.restartMu.Lock()
	defer b.restartMu.Unlock()
	b.stopped = true
	b.admin.Close()
	b.asking.Close()
	err := b.listener.Close()
	if errors.Is(err, net.ErrClosed) {
		err = nil
	}
	if b.running {
		err = errors.Join(err, b.stopCluster())
	}
	return err
}

// withCluster calls fn with the cluster unless the broker is closed, and keeps it
// from closing meanwhile.
func (b *Broker) withCluster(fn func(*kfake.Cluster)) {
	b.clusterMu.RLock()
	defer b.clusterMu.RUnlock()
	if !b.closed {
		fn(b.cluster)
	}
}

// openError says that the data directory could not be read.
type openError struct {
	dir string
	err error
}

func (e *openError) Error() string { return fmt.Sprintf("open data directory %s: %v", e.dir, e.err) }
func (e *openError) Unwrap() error { return e.err }

// Hint is the hint shown with the error.
func (e *openError) Hint() string {
	return "use another directory by --data DIR, or none by --ephemeral; or remove " + e.dir + ", and with it the records in it"
}
