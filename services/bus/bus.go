package bus

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"

	"axion/broker/undecodable"
	"axion/services/bus/conn"
	"axion/services/bus/consumer"
	"axion/services/bus/groups"
	"axion/services/bus/outbox"
	"axion/services/bus/requester"
	"axion/services/bus/topics"
)

// Bus is a service's access to Kafka. All methods are safe for concurrent use;
// [Bus.Handle] and [Bus.Subscribe] come before [Bus.Run].
type Bus struct {
	conn     *conn.Conn
	requests *requester.Requester
	consumer *consumer.Consumer
	outbox   *outbox.Outbox
}

// Open connects to the broker, creates the service's topics where they are
// missing, and subscribes to replies. It tries until ctx ends, 30 s at
// the longest, and then fails with a [ConnectError]. The caller closes the bus.
func Open(ctx context.Context, o Options) (*Bus, error) {
	if err := o.complete(); err != nil {
		return nil, fmt.Errorf("open bus: %w", err)
	}
	reader := undecodable.New(nil)
	c, err := conn.Open(o.conn(), reader) //nolint:contextcheck // the connection outlives ctx
	if err != nil {
		return nil, fmt.Errorf("open bus of %s: %w", o.Service, err)
	}
	b := &Bus{
		conn: c, requests: requester.New(c, reader), consumer: consumer.New(c, o.consumer()), outbox: outbox.New(c, o.RelayLock),
	}
	if err := b.requests.Start(ctx); err != nil {
		b.Close()
		return nil, &ConnectError{Service: o.Service, Brokers: o.Brokers, Err: err}
	}
	return b, nil
}

// Close ends the bus: requests under way fail with [ErrClosed]. Call it once
// Run and Relay have returned; what they have sent is then acknowledged.
func (b *Bus) Close() {
	b.conn.Cancel()
	b.requests.Close(ErrClosed)
	b.conn.Close()
}

// Request asks another service and waits for its answer; see [requester.Requester.Request].
func (b *Bus) Request(ctx context.Context, c Call) error { return b.requests.Request(ctx, c) }

// AnswersFrom is a position in the service's reply topic that is before the answer to
// every request that is sent from now on.
func (b *Bus) AnswersFrom() Offsets { return b.requests.Position() }

// Answers finds answers whose callers no longer wait; see [requester.Requester.Answers].
func (b *Bus) Answers(ctx context.Context, from Offsets, fn func(id string, refused error)) (next Offsets, err error) {
	return b.requests.Answers(ctx, from, fn)
}

// Handle makes h the handler of the messages of type typ on the service's own topic; see
// [consumer.Consumer.Handle].
func (b *Bus) Handle(typ string, h Handler) { b.consumer.Handle(typ, h) }

// Subscribe makes h the handler of every message on another topic, whatever
// its type. It panics as [Bus.Handle] does.
func (b *Bus) Subscribe(topic string, h Handler) { b.consumer.Subscribe(topic, h) }

// Run consumes until ctx ends, as a member of the service's group; see
// [consumer.Consumer.Run].
func (b *Bus) Run(ctx context.Context) error { return b.consumer.Run(ctx) }

// Ready is closed once Run has the group's assignment: from then on messages
// are handled as they arrive. Without handlers it is closed at once.
func (b *Bus) Ready() <-chan struct{} { return b.consumer.Ready() }

// Enqueue stores an event in the caller's transaction, for [Bus.Relay] to publish after
// the commit; see [outbox.Outbox.Enqueue].
func (b *Bus) Enqueue(ctx context.Context, tx *sql.Tx, e Event) error {
	return b.outbox.Enqueue(ctx, tx, e)
}

// WakeRelay wakes the relay; call it after the commit of what was enqueued. It
// never waits.
func (b *Bus) WakeRelay() { b.outbox.Wake() }

// Relay publishes what [Bus.Enqueue] stored in db, until ctx ends; see [outbox.Outbox.Relay].
func (b *Bus) Relay(ctx context.Context, db *sql.DB) error { return b.outbox.Relay(ctx, db) }

// Topic returns a topic by its name, to read outside of the group.
func (b *Bus) Topic(name string) topics.Topic { return topics.New(b.conn, name) }

// Unserved returns those of services that have no instance now; see [groups.Unserved].
func (b *Bus) Unserved(ctx context.Context, services ...string) ([]string, error) {
	return groups.Unserved(ctx, b.conn.Admin, services...)
}

// Subscribed are the topics that members of consumer groups subscribe to; see
// [groups.Subscribed].
func (b *Bus) Subscribed(ctx context.Context, names ...string) (map[string]bool, error) {
	return groups.Subscribed(ctx, b.conn.Admin, b.conn.Log, names...)
}

// InitGroupOffsets commits where the group of o's service begins; see [groups.InitOffsets].
func InitGroupOffsets(ctx context.Context, o Options) error {
	if err := o.complete(); err != nil {
		return fmt.Errorf("init group offsets: %w", err)
	}
	client, err := conn.Dial(o.conn())
	if err != nil {
		return fmt.Errorf("init group offsets of %s: %w", o.Service, err)
	}
	defer client.Close()
	return groups.InitOffsets(ctx, kadm.NewClient(client), o.Service)
}
