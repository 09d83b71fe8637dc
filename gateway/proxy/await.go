package proxy

import (
	"context"
	"net"
	"time"

	"axion/gateway/dockerhost"
	"axion/gateway/probe"
)

// dialTimeout bounds a test of whether a server can be connected to.
const dialTimeout = time.Second

// reach asks whether s can be connected to, when that is why it is out: a server that
// is started again serves the next request. One that answered with errors stays out.
func (b *Balancer) reach(s *server) *probe.Loop {
	return probe.New(probe.Options{
		Begin: b.proxy.begin,
		Ask: func(ctx context.Context) error {
			c, err := (&dockerhost.Dialer{Dialer: net.Dialer{Timeout: dialTimeout}, Check: b.proxy.check}).DialContext(ctx, "tcp", hostOf(s.url))
			if err != nil {
				return err
			}
			return c.Close()
		},
		Set: func(failure error) {
			if failure == nil && b.change(func() bool { was := s.ejected && s.refused; s.ejected = s.ejected && !was; return was }) {
				s.logState(nil)
			}
		},
	})
}

// ProbeSoon has servers that are down asked now, for a request that another one answers.
func (b *Balancer) ProbeSoon() {
	for _, l := range b.up.Load().probes {
		l.ProbeSoon()
	}
}

// AwaitUp has servers that are down asked now, and waits for a moment for one to be up. It
// reports whether one is.
func (b *Balancer) AwaitUp(ctx context.Context) bool { return b.awaitUp(ctx, &holding{}) }

// ProbeSoon has the children's servers that are down asked.
func (g *compositeBase) ProbeSoon() {
	for _, c := range g.children {
		c.ProbeSoon()
	}
}

// AwaitUp has the children's servers that are down asked, and waits for a moment for one to
// be up. It reports whether the group is.
func (g *compositeBase) AwaitUp(ctx context.Context) bool {
	if g.anyUp() {
		return true
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // of the others, once one is up
	outcomes := make(chan bool, len(g.children))
	for _, c := range g.children {
		go func() { outcomes <- c.AwaitUp(ctx) }()
	}
	for range g.children {
		if <-outcomes {
			return true
		}
	}
	return g.Up()
}
