package broker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/otel/metric"

	"axion/broker/admin"
	"axion/broker/recovery"
	"axion/broker/retention"
	"axion/web/view"
)

// connectTimeout bounds the wait for a cluster's first answer.
const connectTimeout = 15 * time.Second

// Cluster is the Kafka that a stack runs on: a [Broker], or one that was there
// before.
type Cluster interface {
	// Addr is where clients connect: "host:port", several with commas between.
	Addr() string
	// Seeds are the same addresses, and Client what else it takes to connect.
	Seeds() []string
	Client() []kgo.Opt
	// Admin reads topics and groups. It works until Close.
	Admin() *admin.Admin
	// Listen accepts clients from another listener too, where the broker is ours, which owns
	// the listener: clients are sent the address that they came in on. Else the error says why
	// not, and the listener is closed.
	Listen(net.Listener) error
	// RegisterMetrics has the cluster measured whenever the provider's metrics are read. Call
	// it once.
	RegisterMetrics(metric.MeterProvider) error
	// Healthy returns nil if a broker answers before ctx ends.
	Healthy(context.Context) error
	// Problems are what people should know of what is kept; empty where the
	// broker is not ours.
	Problems() []retention.Problem
	// Damage is what was found damaged in the files of the broker, where it is ours.
	Damage() []recovery.Damage
	// InjectFault breaks something on purpose, where the broker is ours.
	InjectFault(view.FaultSpec) (view.FaultHandle, error)
	// Close ends what is ours: the embedded broker, or the connections.
	Close() error
}

var (
	_ Cluster = (*Broker)(nil)
	_ Cluster = (*external)(nil)
)

// NotOurs says why nothing may be broken on purpose: others may use an existing
// cluster too. It is empty for the embedded broker.
func (f *Flags) NotOurs() string {
	if !f.External() {
		return ""
	}
	return "the stack runs on a Kafka cluster that others may use too; without --brokers it has its own"
}

// Open starts the embedded broker, or connects to the cluster that the flags
// name, by [Security]: then o's Topics and Log are what counts, and topics that
// are missing get the cluster's own partitions and replication. The caller closes
// it, after its clients.
func (f *Flags) Open(ctx context.Context, o Options) (Cluster, error) {
	if err := f.Check(); err != nil {
		return nil, err
	}
	if !f.External() {
		o.Advertise = cmp.Or(f.Advertise, o.Advertise)
		o.Retention, o.RetentionBytes = cmp.Or(f.Retention.Age, o.Retention), cmp.Or(f.Retention.Bytes, o.RetentionBytes)
		b, err := Start(ctx, o)
		if err != nil {
			return nil, err // not a nil *Broker, which is no nil Cluster
		}
		return b, nil
	}
	return f.Connect(nil).Open(ctx, o)
}

// Open connects to the cluster, as [Flags.Open] does.
func (c Connect) Open(ctx context.Context, o Options) (Cluster, error) {
	seeds, opts, err := c()
	if err != nil {
		return nil, err
	}
	a, err := admin.New(seeds, o.Log, opts...)
	if err != nil {
		return nil, err
	}
	e := &external{seeds: seeds, opts: opts, admin: a}
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	err = e.Healthy(ctx)
	if err == nil {
		err = a.Create(ctx, -1, o.Topics...)
	}
	if err != nil {
		return nil, errors.Join(&connectError{err}, e.Close())
	}
	return e, nil
}

// connectError says that a cluster cannot be used.
type connectError struct{ err error }

func (e *connectError) Error() string { return fmt.Sprintf("--brokers: %v", e.err) }
func (e *connectError) Unwrap() error { return e.err }

// Hint is the hint shown with the error.
func (e *connectError) Hint() string {
	return "is Kafka running there, and does it ask for SASL or TLS? See KAFKA_* in axion up --help"
}

// lookTimeout bounds one look at a cluster.
const lookTimeout = 800 * time.Millisecond

// HealthyNow is [Cluster.Healthy] for who shows it: a broker that takes longer than
// 0.8 s is taken to be away, and one that takes no records is not well.
func HealthyNow(ctx context.Context, c Cluster) error {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	if err := c.Healthy(ctx); err != nil {
		return err
	}
	if b, ours := c.(*Broker); ours {
		return b.space.Ask()
	}
	return nil
}

// Status is what is known of a cluster now, for who shows it.
func Status(ctx context.Context, c Cluster) view.Part {
	part := view.Part{Name: "broker", Kind: view.KindBroker, State: view.StateHealthy, Address: c.Addr()}
	for _, d := range c.Damage() {
		part.Problems = append(part.Problems, view.PartProblem{Message: d.String(), Where: d.Path, Hint: d.Hint()})
	}
	if err := HealthyNow(ctx, c); err != nil {
		part.State, part.Detail = view.StateUnhealthy, err.Error()
	}
	return part
}

// external is an existing cluster.
type external struct {
	seeds []string
	opts  []kgo.Opt
	admin *admin.Admin
}

func (e *external) Addr() string        { return strings.Join(e.seeds, ",") }
func (e *external) Seeds() []string     { return e.seeds }
func (e *external) Client() []kgo.Opt   { return e.opts }
func (e *external) Admin() *admin.Admin { return e.admin }

func (e *external) Listen(l net.Listener) error {
	return errors.Join(&flagError{"--brokers: the cluster has its own listeners", "have clients connect to " + e.Addr()}, l.Close())
}

func (e *external) RegisterMetrics(provider metric.MeterProvider) error {
	return e.admin.RegisterMetrics(provider)
}

func (e *external) Healthy(ctx context.Context) error {
	if err := e.admin.Ping(ctx); err != nil {
		return fmt.Errorf("cluster %s: %w", e.Addr(), err)
	}
	return nil
}

// Damage is nothing: the files are not axion's.
func (e *external) Damage() []recovery.Damage { return nil }

// InjectFault breaks nothing: others may use the cluster too.
func (e *external) InjectFault(view.FaultSpec) (view.FaultHandle, error) {
	return nil, errors.New("the cluster is not axion's own: start without --brokers to break things")
}

// Problems are not known of another's cluster.
func (e *external) Problems() []retention.Problem { return nil }

func (e *external) Close() error {
	e.admin.Close()
	return nil
}
