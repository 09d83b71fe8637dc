package trust

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"axion/web/loopback"
)

const (
	// sample is a name that must be this machine's.
	sample     = "doctor.localhost"
	lookupTime = 3 * time.Second
)

// checkNames looks whether *.localhost resolves, and whether there is IPv6.
func (m *machine) checkNames(ctx context.Context) []Check {
	ctx, cancel := context.WithTimeout(ctx, lookupTime)
	defer cancel()
	fix := "browsers and curl need none of it; for other programs install libnss-myhostname or use systemd-resolved, or add each host to " +
		"/etc/hosts: 127.0.0.1 graph.localhost"
	if m.system != "linux" {
		fix = "Chrome, Firefox and curl need none of it; for others, such as Safari, add each host to the hosts file: 127.0.0.1 graph.localhost"
	}
	var system []string
	detail := "getent is not installed"
	if tool := m.tool("getent"); tool != "" {
		detail = "the system does not know " + sample
		out, err := m.run(ctx, tool, "ahosts", sample)
		for line := range strings.Lines(out) {
			if fields := strings.Fields(line); err == nil && len(fields) > 0 {
				system = append(system, fields[0])
			}
		}
	}
	list, _ := (&net.Resolver{PreferGo: true}).LookupHost(ctx, sample)
	checks := []Check{
		checkAddresses("names, system", system, detail, fix),
		checkAddresses("names, Go", list, "Go's own resolver does not know "+sample, fix),
	}
	six := Check{Name: "IPv6 loopback", State: fine, Detail: "::1 can be bound"}
	if l, err := net.Listen("tcp6", "[::1]:0"); err != nil {
		six.State, six.Detail = warning, "clients that try ::1 first wait before they try 127.0.0.1: "+err.Error()
		six.Fix = "sudo sysctl -w net.ipv6.conf.lo.disable_ipv6=0"
	} else {
		_ = l.Close()
	}
	return append(checks, six)
}

func checkAddresses(name string, addresses []string, missing, fix string) Check {
	for _, a := range addresses {
		if !loopback.Address(a) {
			return Check{Name: name, State: warning, Detail: sample + " is " + a + ", which is not this machine", Fix: fix}
		}
	}
	if len(addresses) == 0 {
		return Check{Name: name, State: warning, Detail: missing, Fix: fix}
	}
	slices.Sort(addresses)
	return Check{Name: name, State: fine, Detail: sample + " is " + strings.Join(slices.Compact(addresses), ", ")}
}

// checkPorts looks whether the usual ports can be had. It is not essential: others
// are used in their place.
func (m *machine) checkPorts(s Stack) []Check {
	var checks []Check
	for _, port := range m.ports {
		c := Check{Name: "port " + strconv.Itoa(port), State: fine, Detail: "free, and you may use it"}
		l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port))
		switch {
		case slices.Contains(s.Ports, port):
			c.Detail = "the running stack has it"
		case err == nil:
		case errors.Is(err, syscall.EADDRINUSE):
			c.State, c.Detail = warning, "another program has it: axion falls back to 8080 and 8443"
			c.Fix = fmt.Sprintf("see which one: sudo ss -ltnp 'sport = :%d'", port)
			if m.system != "linux" {
				c.Fix = fmt.Sprintf("see which one: sudo lsof -nP -iTCP:%d -sTCP:LISTEN", port)
			}
		case errors.Is(err, os.ErrPermission):
			c.State, c.Detail, c.Fix = warning, "you may not use it: axion falls back to 8080 and 8443", m.allowPorts(port)
		default:
			c.State, c.Detail = warning, err.Error()
		}
		if l != nil {
			_ = l.Close()
		}
		checks = append(checks, c)
	}
	return checks
}

// allowPorts says how a user may get a low port.
func (m *machine) allowPorts(port int) string {
	if m.system != "linux" {
		return "use the ports that axion prints; this system gives low ports on all interfaces only, which would show the stack to the network"
	}
	least, _ := os.ReadFile(m.prefix + "/proc/sys/net/ipv4/ip_unprivileged_port_start")
	fix := fmt.Sprintf("sudo sysctl -w net.ipv4.ip_unprivileged_port_start=%d", port)
	if text := strings.TrimSpace(string(least)); text != "" {
		fix += " (now " + text + ")"
	}
	if file, err := os.Executable(); err == nil {
		fix += ", or for this program alone: sudo setcap cap_net_bind_service=+ep " + shell(file)
	}
	return fix
}
