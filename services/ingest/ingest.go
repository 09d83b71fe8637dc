// Package ingest accepts the events of clients outside (devices, apps, webhooks)
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
	"time"

	"axion/services/contract"
	"axion/services/host"
)

//go:embed migrations
var migrations embed.FS

// service is the parts of the running service; each is safe for concurrent use.
type service struct {
	host        *host.Host
	instance    *instance
	receipts    *receipts
	schemas     *schemas
	publisher   *publisher
	idempotency *idempotencyCache
}

// ackTimeout is how long a client waits for the broker at the longest.
const ackTimeout = 5 * time.Second

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
		host: h, instance: &instance{db: h.DB}, receipts: &receipts{db: h.DB, now: time.Now},
		schemas: &schemas{db: h.DB, log: h.Log, now: time.Now, ready: map[schemaKey]readySchema{}},
	}
	if err := s.instance.join(ctx); err != nil {
		_ = h.Stop(ctx)
		return nil, fmt.Errorf("%s: %w", contract.Ingest, err)
	}
	h.OnClose(s.instance.leave)
	recovery := &recovery{bus: h.Bus, log: h.Log, instance: s.instance, receipts: s.receipts}
	s.publisher = &publisher{
		bus: h.Bus, log: h.Log, instance: s.instance, receipts: s.receipts, recovery: recovery, inFlight: newInFlight(), wait: ackTimeout,
	}
	s.idempotency = &idempotencyCache{db: h.DB, now: time.Now, instance: s.instance, underWay: map[clientRequest]bool{}}
	h.Go("schemas", s.schemas.warnUnowned)
	h.Go("deliveries", s.publisher.inFlight.run)
	h.Go("instance", recovery.run)
	(&eventHandlers{
		publisher: s.publisher, idempotency: s.idempotency, log: h.Log,
		schemas: &schemaCheck{schemas: s.schemas, verifier: h.Verifier, log: h.Log},
		rest:    &restProxy{bus: h.Bus, log: h.Log, publisher: s.publisher},
	}).register(h)
	(&schemaHandlers{schemas: s.schemas}).register(h)
	return s, nil
}
