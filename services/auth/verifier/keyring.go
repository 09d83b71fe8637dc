package verifier

import (
	"context"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const (
	// refetchPause is the least time between two fetches, so that made-up key
	// ids, and an issuer that fails, cost little.
	refetchPause = 2 * time.Second
	// keysTime is how long a key set is trusted before the issuer is asked
	// again, and so how long a key that it withdrew is still accepted.
	keysTime = 10 * time.Minute
	// fetchTimeout bounds one fetch, whoever waits for it.
	fetchTimeout = 5 * time.Second
)

// keyring caches a key set, and fetches it again for a key id that it lacks and
// when it is old. A known key is found without waiting for a fetch.
type keyring struct {
	fetch func(context.Context) (map[string]*jose.JSONWebKey, error)
	now   func() time.Time

	mu      sync.Mutex
	byID    map[string]*jose.JSONWebKey
	fetched time.Time // the last success
	tried   time.Time // the last fetch's end
	err     error     // of the last fetch
	current *fetching // under way, or nil
}

// fetching is one fetch; done is closed once it is over.
type fetching struct{ done chan struct{} }

// find returns the public key with that id, nil where the issuer has none. An
// error means that the issuer could not be asked, and that the id is not known.
func (k *keyring) find(ctx context.Context, id string) (*jose.JSONWebKey, error) {
	k.mu.Lock()
	key := k.byID[id]
	stale := k.now().Sub(k.fetched) >= keysTime
	if key != nil && !stale {
		k.mu.Unlock()
		return key, nil
	}
	running := k.current
	if running == nil && (k.tried.IsZero() || k.now().Sub(k.tried) >= refetchPause) {
		running = &fetching{done: make(chan struct{})}
		k.current = running
		// Not bound to this caller: others wait for the same answer.
		go k.refresh(context.WithoutCancel(ctx), running)
	}
	k.mu.Unlock()
	if running != nil {
		select {
		case <-running.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if key := k.byID[id]; key != nil {
		// An issuer that is away for a while does not lock everybody out.
		return key, nil
	}
	return nil, k.err
}

func (k *keyring) refresh(ctx context.Context, f *fetching) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	keys, err := k.fetch(ctx)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.tried, k.err, k.current = k.now(), err, nil
	if err == nil {
		k.byID, k.fetched = keys, k.tried
	}
	close(f.done)
}
