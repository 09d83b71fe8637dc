package runner

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"

	"axion/services/compose"
	"axion/services/process"
	"axion/services/runner/forward"
)

// publish opens the ports that the file publishes, but for those at which the service
// itself listens, until the attempt ends. One that cannot be opened is noted: the service
// runs without it.
func (u *unit) publish(a *attempt) {
	if u.runner.opts.FreePorts || u.service.Provider == compose.ByContainer || len(u.at) == 0 && u.service.Provider != compose.ByProcess {
		return
	}
	opened := map[int][]string{}
	for _, p := range u.service.Ports {
		if p.Published == "" {
			continue
		}
		if p.Protocol != "" && p.Protocol != "tcp" {
			u.note("ports", fmt.Sprintf("%s:%d/%s is not opened: TCP alone is forwarded", p.Published, p.Target, p.Protocol))
			continue
		}
		addresses, err := u.open(a, p)
		if err != nil {
			u.note("ports", err.Error())
			u.log().Warn("a published port is not open", "error", err, "hint", hint(err))
		}
		opened[int(p.Target)] = append(opened[int(p.Target)], addresses...)
	}
	u.mu.Lock()
	u.published = opened
	u.mu.Unlock()
}

// note adds a note about a key of the service, with its place in the file.
func (u *unit) note(key, text string) {
	file, line := u.service.Where(key)
	u.mu.Lock()
	defer u.mu.Unlock()
	u.notes = append(u.notes, fmt.Sprintf("%s:%d: %s: %s", file, line, key, text))
}

// open opens a published port, and returns where it is open beside the service's own port.
func (u *unit) open(a *attempt, p types.ServicePortConfig) (addresses []string, err error) {
	first, last, err := portRange(p.Published)
	if err != nil {
		return nil, err
	}
	to := int(p.Target)
	if to == u.port && len(u.at) > 0 {
		to = u.at[0]
	}
	for port := first; port <= last; port++ {
		if port == to {
			return nil, nil // the service listens there itself
		}
		addresses, err = u.forward(a, p.HostIP, port, to)
		if err == nil {
			return addresses, nil
		}
	}
	if first != last {
		return nil, hintError{fmt.Errorf("none of %s is free: %w", p.Published, err), "end what has one of them, or publish others"}
	}
	return nil, u.runner.ports.taken(a.ctx, first, u.service.Name)
}

// forward listens at a port of an address, or where none is given at those of this machine,
// for the service's port.
func (u *unit) forward(a *attempt, ip string, port, to int) (addresses []string, err error) {
	hosts := []string{"127.0.0.1", "::1"} // "localhost" may be either
	if ip != "" {
		hosts = []string{ip}
	}
	for i, host := range hosts {
		f, err := forward.Listen(net.JoinHostPort(host, strconv.Itoa(port)), func() string { return u.target(to) })
		if err != nil && i > 0 {
			break // this machine may have no IPv6
		}
		if err != nil {
			return nil, err
		}
		if !a.atEnd(func(context.Context) { f.Close() }) {
			f.Close()
			break
		}
		addresses = append(addresses, f.Addr().String())
	}
	return addresses, nil
}

// target is the address behind a published port: of several instances one that is up.
func (u *unit) target(port int) string {
	if len(u.at) > 0 && port == u.at[0] {
		for i, p := range u.current().all() {
			now, _ := p.Status()
			if now.State == process.Running || now.State == process.Unhealthy {
				return local(u.at[i])
			}
		}
	}
	return local(port)
}

// portRange reads "8080", or "8080-8090" of which any one will do.
func portRange(text string) (first, last int, err error) {
	from, to, found := strings.Cut(text, "-")
	if !found {
		to = from
	}
	first, err = strconv.Atoi(from)
	if err == nil {
		last, err = strconv.Atoi(to)
	}
	if err != nil || first < 1 || last < first || last > 65535 {
		return 0, 0, hintError{fmt.Errorf("%q is no port", text), "write ports as 8080:80"}
	}
	return first, last, nil
}
