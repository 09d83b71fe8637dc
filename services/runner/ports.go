package runner

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"

	"axion/services/compose"
	"axion/services/process/inspect"
)

// ports gives out ports of this machine. It is safe for concurrent use.
type ports struct {
	free bool // all of them free ones

	mu     sync.Mutex
	owners map[int]string // the services that have a port, or publish it
}

func newPorts(free bool) *ports { return &ports{free: free, owners: map[int]string{}} }

// reserve keeps the ports that a service publishes from others. The first that publishes
// one has it.
func (p *ports) reserve(s *compose.Service) {
	if p.free {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, port := range s.Ports {
		if n, err := strconv.Atoi(port.Published); err == nil && p.owners[n] == "" && port.Protocol != "udp" {
			p.owners[n] = s.Name
		}
	}
}

// assign gives a service the port that it wants, or a free one where another has it. A fixed
// port is one at which the service listens whatever it is given.
func (p *ports) assign(service string, want int, fixed bool) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if want != 0 && (fixed || !p.free) && (p.owners[want] == "" || p.owners[want] == service) && isFree(want) {
		p.owners[want] = service
		return want, nil
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
		if p.owners[port] == "" {
			p.owners[port] = service
			return port, nil
		}
	}
}

// isFree says whether nobody listens at a port of this machine.
func isFree(port int) bool {
	for _, host := range []string{"127.0.0.1", "::1"} {
		l, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
		if err == nil {
			_ = l.Close()
		} else if host == "127.0.0.1" || errors.Is(err, inspect.ErrInUse) { // this machine may have no IPv6
			return false
		}
	}
	return true
}

// owner is the service that has a port, or "".
func (p *ports) owner(port int) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.owners[port]
}

// taken is the error about a port that a service cannot have: it names who has it.
func (p *ports) taken(ctx context.Context, port int, service string) error {
	if owner := p.owner(port); owner != "" && owner != service {
		return hintError{fmt.Errorf("port %d is that of service %s", port, owner), "give one of them another port in the file"}
	}
	holder, ok := inspect.FindHolder(ctx, port)
	if ok && holder.PID == os.Getpid() {
		return hintError{fmt.Errorf("port %d is taken by axion itself", port), "give one of them another port: see axion up --help"}
	}
	if ok {
		return hintError{fmt.Errorf("port %d is taken by %s", port, holder), "end that, or use another port in the file"}
	}
	return hintError{fmt.Errorf("port %d is taken by another program", port), "end that, or use another port in the file"}
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
			return 0, hintError{fmt.Errorf("PORT is %q, which is no port", *text), "write a number from 1 to 65535"}
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
		if port, err := strconv.Atoi(p.Published); err == nil && int(p.Target) == target && p.Protocol != "udp" {
			all = append(all, port)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
