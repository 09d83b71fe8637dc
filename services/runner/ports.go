package runner

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"axion/services/compose"
)

// ports gives out ports of this machine.
type ports struct {
	free  bool // all of them free ones
	taken map[int]string
}

func newPorts(free bool) *ports { return &ports{free: free, taken: map[int]string{}} }

// assign gives a service the port that it wants, or a free one where another has it.
func (p *ports) assign(service string, want int) (int, error) {
	if want != 0 && !p.free && p.taken[want] == "" {
		if l, err := net.Listen("tcp", local(want)); err == nil {
			_ = l.Close()
			p.taken[want] = service
			return want, nil
		}
	}
	for {
		l, err := net.Listen("tcp", local(0))
		if err != nil {
			return 0, err
		}
		port := l.Addr().(*net.TCPAddr).Port
		if err := l.Close(); err != nil {
			return 0, err
		}
		if p.taken[port] == "" {
			p.taken[port] = service
			return port, nil
		}
	}
}

func local(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// defaultPorts are those at which the images of a kind listen.
var defaultPorts = map[compose.Kind]int{compose.Postgres: 5432, compose.Redis: 6379}

// mainPort is the port at which others call the service in a container; 0 for none.
func mainPort(s *compose.Service) (int, error) {
	if port := defaultPorts[s.Kind]; port != 0 {
		return port, nil
	}
	if s.Run.Port != 0 {
		return s.Run.Port, nil
	}
	if text := s.Environment["PORT"]; text != nil && *text != "" {
		port, err := strconv.Atoi(*text)
		if err != nil || port < 1 || port > 65535 {
			return 0, fmt.Errorf("PORT is %q, which is no port", *text)
		}
		return port, nil
	}
	for key, value := range s.Labels {
		if strings.HasSuffix(strings.ToLower(key), ".loadbalancer.server.port") {
			if port, err := strconv.Atoi(value); err == nil {
				return port, nil // what is wrong with a label the gateway says
			}
		}
	}
	for _, port := range s.Ports {
		return int(port.Target), nil
	}
	for _, port := range s.Expose {
		if port, err := strconv.Atoi(port); err == nil {
			return port, nil
		}
	}
	return 0, nil
}

// published are the ports of this machine at which the file publishes a container's port.
func published(s *compose.Service, target int) []int {
	var all []int
	for _, p := range s.Ports {
		if port, err := strconv.Atoi(p.Published); err == nil && int(p.Target) == target {
			all = append(all, port)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
