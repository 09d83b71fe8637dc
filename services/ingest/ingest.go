// Package ingest takes the events of clients outside (devices, apps, webhooks)
// over HTTP as CloudEvents, and publishes them on [contract.EventsTopic]. It is
// the only way from HTTP into Kafka, and leads to that topic only. An event is
// answered with 202 once the broker has acknowledged it, and published once
// however often it is sent within a day, to whichever instance, and if one is killed
// meanwhile.
package ingest

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"axion/services/contract"
	"axion/services/host"
)

//go:embed migrations
var migrations embed.FS

// service is the running service; safe for concurrent use.
type service struct {
	host *host.Host
	// wait bounds how long a request waits for the broker.
	wait     time.Duration
	instance instance
	receipts receipts
	repeats  repeats
	schemas  schemas
	flights  flights
	end      end
	// recovering is held while the topic is read for what a dead instance published.
	recovering sync.Mutex
}

// ackWait is how long a client waits for the broker at the longest.
const ackWait = 5 * time.Second

// New returns the service, ready to be started.
func New(ctx context.Context, o host.Options) (*host.Host, error) {
	s, err := open(ctx, o)
	if err != nil {
		return nil, err
	}
	return s.host, nil
}

func open(ctx context.Context, o host.Options) (*service, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	h, err := host.New(ctx, contract.Ingest, files, o)
	if err != nil {
		return nil, err
	}
	s := &service{
		host: h, wait: ackWait,
		instance: instance{db: h.DB},
		receipts: receipts{db: h.DB, now: time.Now},
		schemas:  schemas{db: h.DB, now: time.Now, ready: map[schemaKey]readySchema{}},
		flights:  newFlights(),
	}
	s.repeats = repeats{db: h.DB, now: time.Now, instance: &s.instance, under: map[repeat]bool{}}
	if err := s.instance.join(ctx); err != nil {
		_ = h.Stop(ctx)
		return nil, fmt.Errorf("%s: %w", contract.Ingest, err)
	}
	h.OnClose(s.instance.leave)
	h.Go("schemas", s.warnUnowned)
	h.Go("deliveries", s.flights.run)
	h.Go("instance", s.watch)
	s.routes()
	return s, nil
}
