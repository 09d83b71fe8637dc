package broker

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

// retentionEvery bounds how far partitions outgrow their size: by what
// producers write in this time.
const retentionEvery = time.Second

// retain drops what retention no longer keeps, until ctx ends. By itself
// kfake would do so once an hour.
func (b *Broker) retain(ctx context.Context) {
	tick := time.NewTicker(retentionEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			b.alive((*kfake.Cluster).ApplyRetention)
		}
	}
}
