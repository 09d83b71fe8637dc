package label

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

var errNoPort = errors.New("port is missing")

// defaultName is the name that Traefik gives to a service and router of a
// container whose labels give none.
func (s *Service) defaultName() string {
	name := s.Name
	if s.Project != "" {
		name += "_" + s.Project
	}
	return normalize(name)
}

// normalize puts a dash for whatever is neither letter nor digit.
func normalize(name string) string {
	return strings.Join(strings.FieldsFunc(name, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsNumber(r)
	}), "-")
}

// hosts are the "host:port" where a service is reached. label is the port its
// labels give, if any. There are none of a container that has stopped.
func (s *Service) hosts(label string, udp bool) ([]string, error) {
	if s.Stopped {
		return nil, nil
	}
	port, err := s.port(label, udp)
	if err != nil {
		return nil, err
	}
	if len(s.Addresses) > 0 && !udp {
		return slices.Clone(s.Addresses), nil
	}
	return []string{s.address(port, udp)}, nil
}

// port is the container's port: the label's, else the lowest there is.
func (s *Service) port(label string, udp bool) (int, error) {
	if label != "" {
		n, err := strconv.ParseUint(label, 10, 16)
		if err != nil || n == 0 {
			return 0, fmt.Errorf("%q is not a port", label)
		}
		return int(n), nil
	}
	ports := slices.Clone(s.Exposed)
	if udp {
		ports = slices.Clone(s.ExposedUDP)
	}
	for _, p := range s.Ports {
		if p.UDP == udp {
			ports = append(ports, p.Target)
		}
	}
	if len(ports) == 0 {
		if len(s.Addresses) > 0 && !udp {
			return 0, nil
		}
		return 0, errNoPort
	}
	return slices.Min(ports), nil
}

// address is where the host reaches a container's port.
func (s *Service) address(port int, udp bool) string {
	bound, at := s.binding(port, udp)
	switch {
	case s.Host != "" && (at == "" || !s.UseBindPortIP):
		return net.JoinHostPort(s.Host, strconv.Itoa(port))
	case at == "":
		at = "127.0.0.1"
	}
	return net.JoinHostPort(at, strconv.Itoa(bound))
}

// binding is where a port is published, and at which of the host's addresses if it
// is not at all of them. One that is not published is itself.
func (s *Service) binding(port int, udp bool) (published int, at string) {
	for _, p := range s.Ports {
		if p.Target != port || p.UDP != udp || p.Published == 0 {
			continue
		}
		if ip, err := netip.ParseAddr(p.HostIP); err == nil && !ip.IsUnspecified() {
			at = ip.String()
		}
		return p.Published, at
	}
	return port, ""
}
