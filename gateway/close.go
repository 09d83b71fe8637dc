package gateway

import (
	"context"
	"errors"
	"sync"

	"axion/gateway/cancellation"
)

// Close stops accepting, lets requests under way finish for 3 s or until ctx
// ends, then ends the rest, WebSockets included. No goroutine is left. It reports
// requests that ctx cut off; later calls return the same.
func (g *Gateway) Close(ctx context.Context) error { return g.closer(ctx) }

func onceWithContext(f func(context.Context) error) func(context.Context) error {
	var once sync.Once
	var err error
	return func(ctx context.Context) error {
		once.Do(func() { err = f(ctx) })
		return err
	}
}

// shutdown is Close, once.
func (g *Gateway) shutdown(ctx context.Context) error {
	g.fail(nil)
	g.upstreams.Close()
	err := g.entrypoints.Close(ctx, func() { g.cancel(cancellation.ErrStopping) }) // which ends tunnels, the watch and what outlasted ctx
	g.running.Wait()
	g.table.Load().Release(nil)
	g.cert.Close()
	return errors.Join(err, g.observer.Close())
}
