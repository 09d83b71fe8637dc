package runner

import (
	"maps"
	"slices"
	"strings"

	"axion/services/compose"
	"axion/services/process"
	"axion/web/view"
)

// view is what is known of the service now, given what processes use.
func (u *unit) view(usage map[int]used) view.Service {
	u.mu.Lock()
	defer u.mu.Unlock()
	s := view.Service{
		Name: u.service.Name, Provider: string(u.service.Provider), Reason: u.service.Reason, State: u.state, Detail: u.detail, Hint: u.hint,
		Notes: slices.Concat(u.service.Notes, u.moved, u.notes, u.unresolved), Image: u.service.Image, Command: u.service.Argv,
		File: u.service.File, Line: u.service.Line,
		Directory: u.directory(),
		Instances: []view.ServiceInstance{}, Ports: []view.ServicePort{}, Rewrites: []view.Rewrite{},
		Events: slices.Clone(u.events),
	}
	if u.service.Proposal != nil && u.service.Provider == compose.ByUser {
		s.Proposal = u.service.Proposal.String()
	}
	for _, p := range u.attempt.all() {
		now, _ := p.Status()
		s.Instances = append(s.Instances, instanceView(now, usage[now.PID]))
	}
	s.Ports = append(s.Ports, u.ports...)
	for i, port := range u.at {
		at := view.ServicePort{Port: u.port, Address: local(port)}
		if i == 0 {
			at.Published = u.published[u.port]
		}
		s.Ports = append(s.Ports, at)
	}
	for _, port := range slices.Sorted(maps.Keys(u.published)) {
		if addresses := u.published[port]; port != u.port && len(addresses) > 0 {
			s.Ports = append(s.Ports, view.ServicePort{Port: port, Address: local(port), Published: addresses})
		}
	}
	for _, r := range u.rewrites {
		r.From, r.To = masked(r.Variable, r.From), masked(r.Variable, r.To)
		s.Rewrites = append(s.Rewrites, view.Rewrite(r))
	}
	return s
}

// instanceView is what is known of one process, and what it uses.
func instanceView(now process.Status, use used) view.ServiceInstance {
	i := view.ServiceInstance{
		PID: now.PID, StartedAt: now.Started, Restarts: now.Restarts, ExitCode: now.ExitCode, Signal: now.Signal,
		NextStart: now.Next, CPU: use.share, Memory: use.Memory,
	}
	if (now.State == process.Failed || now.State == process.Restarting) && now.Lines != "" {
		i.LastLines = strings.Split(now.Lines, "\n")
	}
	return i
}
