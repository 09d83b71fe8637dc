package tcp

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"

	"axion/gateway/config"
	"axion/gateway/layer4"
	"axion/gateway/probe"
	"axion/gateway/wrr"
)

// balancer spreads connections over the servers of one service, in turn.
type balancer struct {
	name     string
	servers  []*server
	rotation *wrr.Balancer
	check    *check // nil where there is none
	log      *slog.Logger

	starting sync.Once
	cancel   context.CancelFunc // nil where no check runs
	checks   sync.WaitGroup
}

type server struct {
	address string // "host:port"
	tls     bool
	way     *dialer
	check   *probe.Loop // nil without a health check
	down    atomic.Bool
}

func (s *server) up() bool { return !s.down.Load() }

func (s *server) usable(tried []*server) bool { return s.up() && !slices.Contains(tried, s) }

func newBalancer(name string, c *config.TCPLoadBalancer, t *transport, opts Options) (*balancer, error) {
	way, err := t.dialer(c)
	if err != nil {
		return nil, err
	}
	way.net.Control = opts.Control
	b := &balancer{name: name, log: opts.Log}
	for _, s := range c.Servers {
		if err := layer4.CheckAddress(s.Address, "127.0.0.1:5432"); err != nil {
			return nil, err
		}
		b.servers = append(b.servers, &server{address: s.Address, tls: s.TLS, way: way})
	}
	b.rotation = wrr.New(slices.Repeat([]int{1}, len(b.servers)))
	if c.HealthCheck != nil {
		if b.check, err = newCheck(c.HealthCheck); err != nil {
			return nil, err
		}
		for _, s := range b.servers {
			s.check = b.check.loop(b, s, opts.Begin)
		}
	}
	return b, nil
}

func (b *balancer) pick(tried []*server) *server {
	i := b.rotation.Next(func(i int) bool { return b.servers[i].usable(tried) })
	if i < 0 {
		return nil
	}
	return b.servers[i]
}

// start begins the health checks, once.
func (b *balancer) start() {
	b.starting.Do(func() {
		if b.check == nil {
			return
		}
		var ctx context.Context
		ctx, b.cancel = context.WithCancel(context.Background())
		for _, s := range b.servers {
			b.checks.Go(func() { s.check.Run(ctx) })
		}
	})
}

// stop ends the health checks and waits for them.
func (b *balancer) stop() {
	b.starting.Do(func() {}) // it is not to begin later
	if b.cancel != nil {
		b.cancel()
		b.checks.Wait()
	}
}
