package label

import (
	"axion/gateway/config"
	"errors"
	"fmt"
)

// composed refuses a service of other services that is also something else.
func (d *decoder) composed(section, name string, v any, servers bool) bool {
	if servers {
		d.problem(config.Error, d.labelOf(section, "services", name),
			fmt.Sprintf("the service %q has servers and is composed of other services", name), "give each its own name")
		return false
	}
	if !d.single(section, "services", name, v) {
		return false
	}
	d.problem(config.Notice, d.labelOf(section, "services", name),
		fmt.Sprintf("the service %q is composed of others by labels, which Traefik ignores", name),
		"put it into a file of the file provider if Traefik is to follow it too")
	return true
}

// refuse reports a service that has no address.
func (d *decoder) refuse(section, name string, err error) {
	hint := ""
	if errors.Is(err, errNoPort) {
		hint = fmt.Sprintf("add the label traefik.%s.services.%s.loadbalancer.server.port with the port it listens on", section, name)
	}
	d.problem(config.Error, d.labelOf(section, "services", name), fmt.Sprintf("service %q: %s", name, err), hint)
}
