// Package consumer reads messages in a service's consumer group and has handlers process
// them: in order within a key, concurrently otherwise. It commits an offset once all
// messages up to it are processed.
package consumer

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"axion/services/bus/conn"
	"axion/services/bus/message"
	"axion/services/bus/topics"
	"axion/services/contract"
)

// DrainTimeout is how long handlers may go on after their partition is revoked, or Run's
// context ended. It is below the session timeout, so that a slow handler does not cost
// the membership.
const DrainTimeout = 5 * time.Second

var (
	errUnassigned = errors.New("no partitions assigned yet")
	errLost       = errors.New("partitions lost: it is not in its consumer group now")
)

// Options say how messages are handled. All fields but Outage are required.
type Options struct {
	// Retry is the backoff of failed events.
	Retry Retry
	// Outage reports whether a handler's error is of the service itself. Nil: no error is.
	Outage func(error) bool
	// MaxInFlight is how many handlers run at once.
	MaxInFlight int
	// DrainTimeout bounds the wait for handlers that run when their partition is revoked.
	DrainTimeout time.Duration
}

// Retry is how often and how fast a failed message is tried again. The delay
// doubles each time, give or take half of it.
type Retry struct {
	// Attempts are all calls of the handler, the first one too. Zero: 5.
	Attempts int
	// First is the delay before the second attempt. Zero: 100 ms.
	First time.Duration
	// Max is the longest delay. Zero: 5 s.
	Max time.Duration
}

// Consumer consumes the messages of one service. All methods are safe for concurrent use;
// Handle and Subscribe come before Run.
type Consumer struct {
	conn     *conn.Conn
	options  Options
	patterns map[string]string // types by pattern topic; never changes
	ready    chan struct{}
	lost     atomic.Bool // the group's assignment, until there is another

	mu      sync.Mutex // guards the rest
	types   map[string]message.Handler
	topics  map[string]message.Handler
	started bool
}

// New returns a consumer without handlers.
func New(c *conn.Conn, o Options) *Consumer {
	return &Consumer{
		conn: c, options: o, patterns: message.PatternTypes(c.Service), ready: make(chan struct{}),
		types: make(map[string]message.Handler), topics: make(map[string]message.Handler),
	}
}

// Handle makes h the handler of the messages of type typ on the service's own
// topic. Without any, the topic is not consumed. A request of the service's in
// [contract.Requests] is consumed from its pattern topic too, whose messages
// have that type whatever their headers say. It panics when typ has a handler
// already, or after [Consumer.Run] began: both are mistakes in the program.
func (c *Consumer) Handle(typ string, h message.Handler) {
	c.register(c.types, typ, h)
	if topic := contract.PatternTopic(c.conn.Service, typ); c.patterns[topic] == typ {
		c.register(c.topics, topic, h)
	}
}

// Subscribe makes h the handler of every message on another topic, whatever
// its type. It panics as [Consumer.Handle] does.
func (c *Consumer) Subscribe(topic string, h message.Handler) { c.register(c.topics, topic, h) }

func (c *Consumer) register(in map[string]message.Handler, name string, h message.Handler) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.started {
		panic("bus: handler for " + name + " after Run began")
	}
	if _, ok := in[name]; ok {
		panic("bus: second handler for " + name)
	}
	in[name] = h
}

// messageOf reads a record that was consumed: a message on a pattern topic has
// the topic's type.
func (c *Consumer) messageOf(r *kgo.Record) *message.Message {
	m := message.FromRecord(r)
	if typ, ok := c.patterns[m.Topic]; ok {
		m.Type = typ
	}
	return m
}

// handler returns the handler of m, or nil.
func (c *Consumer) handler(m *message.Message) message.Handler {
	if m.Topic == c.conn.Topic {
		if h, ok := c.types[m.Type]; ok {
			return h
		}
	}
	return c.topics[m.Topic]
}

// Subscriptions lists the topics to consume.
func (c *Consumer) Subscriptions() []string {
	var topics []string
	own := c.conn.Topic
	if _, ok := c.topics[own]; !ok && len(c.types) > 0 {
		topics = append(topics, own)
	}
	for topic := range c.topics {
		topics = append(topics, topic)
	}
	return topics
}

// Ready is closed once Run has the group's assignment: from then on messages
// are handled as they arrive. Without handlers it is closed at once.
func (c *Consumer) Ready() <-chan struct{} { return c.ready }

// Assigned returns an error unless Run has had the group's assignment.
func (c *Consumer) Assigned() error {
	select {
	case <-c.ready:
		return nil
	default:
		return errUnassigned
	}
}

// Member returns an error after the group's assignment was lost, until there is another.
func (c *Consumer) Member() error {
	if c.lost.Load() {
		return errLost
	}
	return nil
}

// Run consumes until ctx ends, as the group "<service>-server", whose first
// member ever starts at the oldest messages. Then it lets the handlers that
// run finish, and what comes before them in their partitions, for 5 s at the longest,
// commits what is done and leaves the group; the next consumer gets what was read and
// not started. A topic that is deleted is created again. It returns nil, or what kept
// it from that. Run it once.
func (c *Consumer) Run(ctx context.Context) error {
	subscriptions, err := c.begin()
	if err != nil {
		return err
	}
	if len(subscriptions) == 0 {
		close(c.ready)
		<-ctx.Done()
		return nil
	}
	if _, err := topics.RetryUntil(ctx, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, topics.Ensure(ctx, c.conn, subscriptions)
	}); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return fmt.Errorf("consume as %s: %w", c.conn.Service, err)
	}
	return c.consume(ctx, subscriptions)
}

func (c *Consumer) begin() (topics []string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.started {
		return nil, fmt.Errorf("consume as %s: Run was called before", c.conn.Service)
	}
	c.started = true
	return c.Subscriptions(), nil
}

// consume runs one session in the group.
func (c *Consumer) consume(ctx context.Context, topics []string) error {
	s := newSession(context.WithoutCancel(ctx), c)
	client, err := c.conn.DialGroup(append(s.callbacks(), kgo.WithHooks(s.reader))...)
	if err != nil {
		return fmt.Errorf("consume as %s: %w", c.conn.Service, err)
	}
	s.client = client
	client.AddConsumeTopics(topics...) // only now, since the callbacks need s.client
	committing, stop := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.commitLoop(committing)
	}()
	s.poll(ctx)
	err = s.revoke(s.all())
	stop()
	<-done
	err = errors.Join(err, s.commit(context.WithoutCancel(ctx)))
	client.CloseAllowingRebalance()
	s.workers.end() // nothing is read any more
	if err != nil {
		return fmt.Errorf("stop consuming as %s: %w", c.conn.Service, err)
	}
	return nil
}
