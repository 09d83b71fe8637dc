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
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"axion/broker/admin"
	"axion/broker/advertise"
	"axion/broker/answers"
	"axion/broker/batch"
	"axion/broker/budget"
	"axion/broker/connlimit"
	"axion/broker/fault"
	"axion/broker/fetch"
	"axion/broker/frame"
	"axion/broker/guard"
	"axion/broker/listener"
	"axion/broker/live"
	"axion/broker/migrate"
	"axion/broker/recovery"
	"axion/broker/retention"
	"axion/web/view"
)

// Broker is a running embedded broker. Its methods are safe for concurrent use.
type Broker struct {
	policy   advertise.Policy
	log      *slog.Logger
	options  Options
	listener *listener.Shared
	admin    *admin.Admin
	asking   *kgo.Client       // by which the guard asks
	limiter  connlimit.Limiter // of connections from outside this process
	live     live.Cluster
	embedded embedded
	faults   *fault.Set
	files    *fetch.Files
	journal  *retention.Journal
	space    *retention.Space
	cleaner  *retention.Cleaner

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
			err = errors.Join(err, listener.CloseAll(o.listeners()))
		}
		return nil, fmt.Errorf("start broker: %w", err)
	}
	policy, err := o.policy()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start broker: %w", err), listener.CloseAll(o.listeners()))
	}
	b := &Broker{policy: policy, log: o.Log, options: o, files: fetch.NewFiles(o.Dir)}
	if err := b.open(); err != nil { //nolint:contextcheck // what it begins ends with Close, not with the start
		return nil, fmt.Errorf("start broker: %w", err)
	}
	if err := b.ensureTopics(ctx, o); err != nil {
		if !b.space.State() {
			err = &fullError{dir: o.Dir}
		}
		return nil, errors.Join(fmt.Errorf("start broker: %w", err), b.Close())
	}
	o.warnRemote()
	return b, nil
}

// open starts the cluster behind its guard. It owns the listeners: on failure
// they are closed.
func (b *Broker) open() error {
	o := b.options
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return errors.Join(fmt.Errorf("create data directory: %w", err), listener.CloseAll(o.listeners()))
	}
	b.listener = listener.New(o.listeners())
	asking, err := newAsking(b.Seeds(), o.Log, b.Client()...)
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
	b.embedded.options, b.embedded.listener, b.embedded.groups = o, b.listener, a.Groups()
	b.faults = fault.NewSet(&b.live, &b.embedded, o.Log)
	b.embedded.deps = b.guardDeps()
	if err := b.embedded.Start(o.Replaced); err != nil {
		a.Close()
		asking.Close()
		return errors.Join(err, b.listener.Close())
	}
	ctx, stop := context.WithCancel(context.Background())
	b.stop = stop
	b.working.Go(func() { b.cleaner.Run(ctx) })
	b.working.Go(func() { b.faults.WriteDuplicates(ctx, b.newDuplicating) })
	return nil
}

// guardDeps are the guard's, but for those of one run of the cluster.
func (b *Broker) guardDeps() guard.Deps {
	cluster := asked{Cluster: &b.live, client: b.asking, space: b.space, options: b.options, addr: b.Addr()}
	return guard.Deps{
		Cluster: &b.live, Policy: b.policy, Limiter: &b.limiter, Frames: budget.New(frame.Memory), Space: b.space, Cleaner: b.cleaner,
		Names: b.options.names(), Rules: &batch.Settings{Load: b.settingsOf}, Faults: b.faults, Files: b.files,
		Completer: answers.New(cluster), Groups: migrate.New(cluster), Admin: b.admin, Log: b.log,
	}
}

// settingsOf are a topic's own settings.
func (b *Broker) settingsOf(topic string) (settings map[string]*string, ok bool) {
	_, settings, ok = b.live.Topic(topic)
	return settings, ok
}

// newDuplicating is the client by which faults write records twice.
func (b *Broker) newDuplicating() (*kgo.Client, error) {
	opts := []kgo.Opt{kgo.SeedBrokers(b.Seeds()...), kgo.ClientID(fault.DuplicatesID), kgo.WithLogger(admin.NewLogger(b.log))}
	return kgo.NewClient(append(opts, b.Client()...)...)
}

// Damage is what was found damaged in the data directory, at the last start or
// restart.
func (b *Broker) Damage() []recovery.Damage { return b.embedded.current.Load().store.Report.Damage }

// InjectFault has a fault be on until its End is called. The error says what is wrong with
// it, or that the broker is away.
func (b *Broker) InjectFault(spec view.FaultSpec) (view.FaultHandle, error) {
	f, err := b.faults.Inject(spec)
	if err != nil {
		return nil, err // not a nil *fault.Active, which is no nil view.FaultHandle
	}
	return f, nil
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

// Listen has clients accepted from another listener too, which the broker owns. They are sent
// the address that they came in on. Once the broker is closed, it closes the listener.
func (b *Broker) Listen(l net.Listener) error { return b.listener.Add(l) }

// Client has clients of this process reach the broker through memory. Others need
// nothing to connect.
func (b *Broker) Client() []kgo.Opt { return []kgo.Opt{kgo.Dialer(b.listener.Dial)} }

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
	b.faults.Clear()
	b.stop()
	b.working.Wait()
	return b.embedded.Close(func() error {
		b.admin.Close()
		b.asking.Close()
		err := b.listener.Close()
		if errors.Is(err, net.ErrClosed) {
			err = nil
		}
		return err
	})
}

// fullError says that there is no room for the broker's state.
type fullError struct{ dir string }

func (e *fullError) Error() string { return "the disk of " + e.dir + " is full" }

// Hint is the hint shown with the error.
func (e *fullError) Hint() string { return "free some room, or use another disk by --data DIR" }
