package runner

import (
	"strconv"

	"axion/services/compose"
	"axion/web/view"
)

// expose opens what the file publishes of a service that a part of the stack stands in
// for: clients on this machine call it there.
func (u *unit) expose() {
	if u.service.Provider != compose.ByAxion || u.service.Kind == compose.ZooKeeper || u.runner.opts.Publish == nil {
		return
	}
	var ports []view.ServicePort
	for _, p := range u.service.Ports {
		published, err := strconv.Atoi(p.Published)
		if err != nil || p.Protocol == "udp" {
			continue // none, or the engine's choice; over UDP the gateway is where it is over TCP
		}
		wanted := "localhost:" + p.Published
		at, err := u.runner.opts.Publish(string(u.service.Kind), int(p.Target), published)
		port := view.ServicePort{Port: int(p.Target), Address: at}
		switch {
		case err != nil:
			u.log().Warn("a published port is not open", "port", p.Published, "error", err, "hint", hint(err))
			u.note("ports", err.Error()+": "+hint(err))
		case at == wanted:
			port.Published = []string{wanted}
		case at != "":
			u.note("ports", p.Published+" is at "+at)
		}
		if at != "" {
			ports = append(ports, port)
		}
	}
	if len(ports) == 0 && u.service.Kind == compose.Kafka && u.runner.opts.Kafka != "" {
		ports = []view.ServicePort{{Port: kafkaPort, Address: u.runner.opts.Kafka}}
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.ports = ports
}

// kafkaPort is the port that brokers have by custom.
const kafkaPort = 9092
