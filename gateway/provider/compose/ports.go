package compose

import (
	"axion/gateway/config"
	"axion/gateway/label"
	"fmt"
	"strconv"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
	"go.yaml.in/yaml/v4"
)

// exposed is a port that a container listens on.
type exposed struct {
	port int
	udp  bool
}

// maxPorts bounds how many ports a service publishes: all that there are.
const maxPorts = 1 << 16

// ports reads entries such as "8081:8080/udp", 80 and {target: 80, published: "81"}.
func (r *serviceReader) ports(d definition, n *yaml.Node) error {
	if isNull(n) {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		return errShape
	}
	var failed error
	each(n, func(entry, _ *yaml.Node) {
		switch {
		case failed != nil:
		case isTagged(entry):
			failed = errShape
		case entry.Kind == yaml.MappingNode:
			failed = r.longPort(d, entry)
		case entry.Kind == yaml.ScalarNode:
			text, err := substitute(entry.Value, d.look)
			if err != nil {
				message, hint := notInterpolated(entry.Value, err)
				failed = r.refuse(location{d.file, entry}, fmt.Sprintf("the port %q cannot be read: %s", entry.Value, message), hint)
				return
			}
			list, err := types.ParsePortConfig(text)
			if err != nil {
				failed = r.refuse(location{d.file, entry}, fmt.Sprintf("the port %q cannot be read: %s", text, config.InWords(err.Error())),
					"write one such as 8080:80, in quotes")
			}
			if r.published += len(list); r.published > maxPorts {
				r.fail(location{d.file, entry}, r.name, fmt.Sprintf("the service has more than %d ports", maxPorts), "")
				failed = errShape
				return
			}
			for _, port := range list {
				r.port(port.HostIP, port.Published, port.Target, port.Protocol)
			}
		default:
			failed = errShape
		}
	})
	return failed
}

func (r *serviceReader) longPort(d definition, n *yaml.Node) error {
	text := func(key string) string { return strings.Join(texts(child(n, key), d.look), "") }
	target, err := strconv.ParseUint(text("target"), 10, 16)
	if err != nil {
		return errShape
	}
	r.port(text("host_ip"), text("published"), uint32(target), text("protocol"))
	return nil
}

func (r *serviceReader) port(hostIP, published string, target uint32, protocol string) {
	if protocol != "" && protocol != "tcp" && protocol != "udp" {
		return
	}
	number, _ := strconv.Atoi(published) // a range or none is the engine's choice: 0
	port := label.Port{HostIP: hostIP, Published: number, Target: int(target), UDP: protocol == "udp"}
	if !r.seen[port] {
		if r.seen == nil {
			r.seen = map[label.Port]bool{}
		}
		r.seen[port] = true
		r.spec.Ports = append(r.spec.Ports, port)
	}
}

// expose reads entries such as "3000", "3000/udp" and "3000-3005".
func (r *serviceReader) expose(entry string) {
	number, protocol, _ := strings.Cut(entry, "/")
	number, _, _ = strings.Cut(number, "-")
	n, err := strconv.Atoi(number)
	if err != nil || n <= 0 {
		return
	}
	list := &r.spec.Exposed
	switch protocol {
	case "", "tcp":
	case "udp":
		list = &r.spec.ExposedUDP
	default:
		return
	}
	if known := (exposed{n, protocol == "udp"}); !r.exposed[known] {
		if r.exposed == nil {
			r.exposed = map[exposed]bool{}
		}
		r.exposed[known] = true
		*list = append(*list, n)
	}
}
