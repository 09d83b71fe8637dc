package listen

import (
	"fmt"
	"net"
	"strconv"

	"axion/gateway/listen/peer"
)

// Parts of the stack that can be published at further addresses.
const (
	PartKafka   = "kafka"
	PartGateway = "traefik"
	PartPage    = "console"
)

// Publisher opens the ports that a compose file publishes of services whose part the stack
// plays itself. It is not safe for concurrent use.
type Publisher struct {
	Flags     *Flags
	Listeners *Listeners
	// EntryPoint gives the name of the entrypoint that the configuration puts at a port,
	// and where it is open; both are empty where there is none.
	EntryPoint func(port int) (name, address string)
	// Kafka has the broker accept from a listener, which it then owns.
	Kafka func(net.Listener) error
	// Own is called with each listener that is opened for what is no entrypoint.
	Own func(name string, at net.Addr)
}

// Publish has a part be at localhost on the published port as well, which stands for the
// target port of the container. Address is where it is then: there, or only where it was
// before, if free ports are wanted or the error says why it cannot be there. It is empty
// where the part is nowhere.
func (p *Publisher) Publish(part string, target, published int) (address string, err error) {
	wanted := net.JoinHostPort("localhost", strconv.Itoa(published))
	if _, there := p.EntryPoint(published); part == PartGateway && there == wanted {
		return there, nil // the gateway itself has opened it
	}
	to, name := p.listener(part, target)
	switch {
	case part == PartKafka && p.Listeners.Kafka == nil:
		return "", nil
	case to == nil:
		if _, address = p.EntryPoint(target); p.Flags.Auto() {
			return address, nil
		}
		return address, &flagError{fmt.Sprintf("port %d of the container is at %s, and not at %s", target, address, wanted),
			"publish it at its own number"}
	}
	if address = Address(*to); p.Flags.Auto() || Port(*to) == published {
		return address, nil
	}
	l, err := Listen(wanted)
	if err != nil {
		return address, err
	}
	if name != "http" && name != "https" {
		p.Own(name+" at "+wanted, l.Addr())
	}
	if part == PartKafka {
		return wanted, p.Kafka(p.Flags.Guard().Listen(l, peer.Other))
	}
	p.Listeners.parts[name].add(l) // the guard is behind it
	return wanted, nil
}

// listener is what is to be at the published port as well, by its flag; nil where that is
// none of what the flags open.
func (p *Publisher) listener(part string, target int) (to *net.Listener, name string) {
	l := p.Listeners
	switch part {
	case PartKafka:
		return &l.Kafka, "kafka"
	case PartGateway:
		switch entry, _ := p.EntryPoint(target); {
		case entry == "web" || entry == "" && target == 80:
			return &l.HTTP, "http"
		case entry == "websecure" || entry == "" && target == 443:
			return &l.HTTPS, "https"
		case entry != "" && entry != "traefik":
			return nil, ""
		}
	}
	return &l.Dashboard, "dashboard"
}
