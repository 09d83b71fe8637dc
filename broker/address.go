package broker

import (
	"fmt"
	"net"

	"axion/broker/advertise"
)

// policy is the address that the broker advertises.
func (o Options) policy() (advertise.Policy, error) {
	var fixed advertise.Endpoint
	if o.Advertise != "" {
		var err error
		if fixed, err = advertise.Parse(o.Advertise); err != nil {
			return advertise.Policy{}, fmt.Errorf("advertised address %w", err)
		}
	}
	var bound []net.Addr
	for _, l := range o.listeners() {
		bound = append(bound, l.Addr())
	}
	return advertise.New(bound, fixed), nil
}

// listeners are all of them.
func (o Options) listeners() []net.Listener {
	return append([]net.Listener{o.Listener}, o.More...)
}

// warnRemote warns of what it means that other machines reach the broker: it asks
// nobody for a password.
func (b *Broker) warnRemote() {
	var remote []string
	for i, l := range b.options.listeners() {
		switch {
		case !advertise.IsRemote(l.Addr()):
		case i < len(b.options.Addresses):
			remote = append(remote, b.options.Addresses[i])
		default:
			remote = append(remote, l.Addr().String())
		}
	}
	if len(remote) > 0 {
		b.log.Warn("broker: Kafka listens beyond this machine, without a password: whoever reaches it can read, write and delete every topic; "+
			"where that is not meant, listen on localhost or on a container bridge's address alone", "addresses", fmt.Sprint(remote))
	}
}
