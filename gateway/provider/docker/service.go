package docker

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"axion/gateway/label"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
)

const (
	traefik        = "traefik."
	composeProject = "com.docker.compose.project"
	composeService = "com.docker.compose.service"
)

// service is a container in the label decoder's terms. It is false if nothing
// leads to it.
func (p *Provider) service(ctx context.Context, c *container.InspectResponse) (label.Service, bool) {
	name := strings.TrimPrefix(c.Name, "/")
	s := label.Service{Name: name, File: "container " + name, Labels: c.Config.Labels, Stopped: !running(c.State) || !healthy(c.State)}
	if service := s.Labels[composeService]; service != "" {
		s.Name, s.Project = service, s.Labels[composeProject]
	}
	p.ports(&s, c)
	if s.Stopped {
		return s, true
	}
	warning := ""
	if p.direct {
		s.Host, warning = p.address(ctx, c, s.Labels)
	} else if len(s.Ports) == 0 {
		warning = "it publishes no port, and containers of this engine cannot be reached otherwise"
	}
	reached := s.Host != "" || !p.direct && len(s.Ports) > 0 || !needsServer(s.Labels)
	if s.Host == "" && reached {
		warning = ""
	}
	p.warnOnce(name, warning)
	return s, reached
}

// needsServer reports whether labels lead to the container itself: else they only
// define middlewares, or a server elsewhere.
func needsServer(labels map[string]string) bool {
	needs := false
	for name := range labels {
		name = strings.ToLower(name)
		if strings.HasPrefix(name, traefik) && strings.HasSuffix(name, ".loadbalancer.server.url") {
			return false
		}
		section, rest, _ := strings.Cut(strings.TrimPrefix(name, traefik), ".")
		needs = needs || section != "docker" && section != "tls" && !strings.HasPrefix(rest, "middlewares.") && strings.HasPrefix(name, traefik)
	}
	return needs
}

// ports are the container's, each once: its published ones, and those it exposes
// besides.
func (p *Provider) ports(s *label.Service, c *container.InspectResponse) {
	bound := network.PortMap{}
	if c.NetworkSettings != nil {
		maps.Copy(bound, c.NetworkSettings.Ports)
	}
	for port := range c.Config.ExposedPorts {
		if _, ok := bound[port]; !ok {
			bound[port] = nil
		}
	}
	ports := slices.SortedFunc(maps.Keys(bound), func(a, b network.Port) int {
		return cmp.Or(cmp.Compare(a.Num(), b.Num()), cmp.Compare(a.Proto(), b.Proto()))
	})
	for _, port := range ports {
		udp := port.Proto() == network.UDP
		switch {
		case !udp && port.Proto() != network.TCP:
		case len(bound[port]) > 0:
			s.Ports = append(s.Ports, p.binding(port, bound[port]))
		case udp:
			s.ExposedUDP = append(s.ExposedUDP, int(port.Num()))
		default:
			s.Exposed = append(s.Exposed, int(port.Num()))
		}
	}
}

// binding is where a port is published: the engine binds it once for each family
// of addresses, of which IPv4 is the first choice.
func (p *Provider) binding(port network.Port, bindings []network.PortBinding) label.Port {
	best := bindings[0]
	for _, b := range bindings {
		if b.HostIP.Is4() {
			best = b
			break
		}
	}
	published, _ := strconv.Atoi(best.HostPort)
	out := label.Port{Published: published, Target: int(port.Num()), UDP: port.Proto() == network.UDP}
	if best.HostIP.IsValid() && !best.HostIP.IsUnspecified() {
		out.HostIP = best.HostIP.String()
	} else if ip, err := netip.ParseAddr(p.remote); err == nil {
		out.HostIP = ip.String()
	}
	return out
}

// address is where a container's ports are reached, and a warning about it.
func (p *Provider) address(ctx context.Context, c *container.InspectResponse, labels map[string]string) (host, warning string) {
	wanted := cmp.Or(valueOf(labels, "docker.network"), p.network())
	owner := p.networkOwner(ctx, c)
	if owner == nil {
		return "", "the container whose network it shares is gone"
	}
	networks := map[string]*network.EndpointSettings{}
	if owner.NetworkSettings != nil {
		networks = owner.NetworkSettings.Networks
	}
	if wanted != "" {
		for _, name := range []string{wanted, labels[composeProject] + "_" + wanted} {
			if ip := ipOf(networks[name]); ip != "" {
				return ip, ""
			}
		}
		warning = fmt.Sprintf("it is not in the network %q", wanted)
	}
	if owner.HostConfig != nil && owner.HostConfig.NetworkMode.IsHost() {
		return "127.0.0.1", warning
	}
	for _, name := range slices.Sorted(maps.Keys(networks)) {
		if ip := ipOf(networks[name]); ip != "" {
			if warning != "" {
				warning += fmt.Sprintf(": it is reached by %q", name)
			}
			return ip, warning
		}
	}
	return "", "it has no address: it is in no network"
}

// networkOwner is the container itself, or the one whose network it shares.
func (p *Provider) networkOwner(ctx context.Context, c *container.InspectResponse) *container.InspectResponse {
	for range 5 { // longer chains are none that work
		if c == nil || c.HostConfig == nil || !c.HostConfig.NetworkMode.IsContainer() {
			break
		}
		other, err := p.inspect(ctx, c.HostConfig.NetworkMode.ConnectedContainer())
		if err != nil {
			return nil
		}
		c = other
	}
	return c
}

func ipOf(e *network.EndpointSettings) string {
	switch {
	case e == nil:
		return ""
	case e.IPAddress.IsValid():
		return e.IPAddress.String()
	case e.GlobalIPv6Address.IsValid():
		return e.GlobalIPv6Address.String()
	}
	return ""
}

// warnOnce warns about a container, once until the reason changes.
func (p *Provider) warnOnce(name, reason string) {
	if p.warned[name] != reason && reason != "" {
		p.log.Warn("a container is not served as it may be meant", slog.String("container", name), slog.String("reason", reason))
	}
	p.warned[name] = reason
}
