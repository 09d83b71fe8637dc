package broker

import (
	"errors"
	"fmt"
)

// goOffline takes the broker off the net, as if its process had ended: clients lose
// their connections and cannot make new ones. What it holds is saved.
func (b *Broker) goOffline() error {
	b.restartMu.Lock()
	defer b.restartMu.Unlock()
	if !b.running {
		return errors.New("the broker is away already")
	}
	return b.stopCluster()
}

// goOnline starts the broker again, at the same address and with what it held, all
// members of groups among it.
func (b *Broker) goOnline() error {
	b.restartMu.Lock()
	defer b.restartMu.Unlock()
	if b.running || b.stopped {
		return nil
	}
	if err := b.startCluster(nil); err != nil {
		return fmt.Errorf("restart broker: %w", err)
	}
	b.faults.reinstall()
	return nil
}

// stopCluster ends the cluster, and the guarded listener with its connections. The caller holds restartMu.
func (b *Broker) stopCluster() error {
	b.running = false
	b.members.close()
	b.guard.drain(drainTimeout)
	b.clusterMu.Lock()
	b.closed = true
	b.clusterMu.Unlock()
	return errors.Join(b.store.Close(), b.joined.Seal(), b.guard.wait())
}
