package broker

import (
	"errors"
	"fmt"
)

// leave takes the broker off the net, as if its process had ended: clients lose
// their connections and cannot make new ones. What it holds is saved.
func (b *Broker) leave() error {
	b.turn.Lock()
	defer b.turn.Unlock()
	if !b.here {
		return errors.New("the broker is away already")
	}
	return b.down()
}

// comeBack starts the broker again, at the same address and with what it held, all
// members of groups among it.
func (b *Broker) comeBack() error {
	b.turn.Lock()
	defer b.turn.Unlock()
	if b.here || b.over {
		return nil
	}
	if err := b.up(nil); err != nil {
		return fmt.Errorf("restart broker: %w", err)
	}
	b.faults.renew()
	return nil
}

// down ends the cluster, and the front with its connections. The caller holds turn.
func (b *Broker) down() error {
	b.here = false
	b.members.close()
	b.front.drain(drainTime)
	b.life.Lock()
	b.closed = true
	b.life.Unlock()
	return errors.Join(b.store.Close(), b.joined.Seal(), b.front.wait())
}
