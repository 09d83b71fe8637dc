package runner

import (
	"maps"
	"os"
	"slices"
	"strconv"

	"axion/services/compose"
	"axion/web/view"
)

// environment is what instance i of a service gets, over what axion itself has.
func (u *unit) environment(i int) []string {
	values, rewrites, unresolved := u.variables(i)
	u.mu.Lock()
	defer u.mu.Unlock()
	u.rewrites, u.unresolved = rewrites, nil
	for _, other := range unresolved {
		u.unresolved = append(u.unresolved, other.Variable+" names "+other.Service+", and no variable has its port: its host stays as it is")
	}
	env := os.Environ()
	for _, name := range slices.Sorted(maps.Keys(values)) {
		env = append(env, name+"="+values[name]) // the last one counts
	}
	return env
}

// variables are what the file says for instance i, with addresses for names, over what
// every process gets.
func (u *unit) variables(i int) (map[string]string, []compose.Rewrite, []compose.Unresolved) {
	file := u.values()
	maps.Copy(file, u.service.Run.Env)
	keep := append(slices.Clone(u.service.Run.Keep), "PORT")
	values, rewrites, unresolved := u.runner.addresses.RewriteAll(file, keep)
	if i < len(u.at) {
		values["PORT"] = strconv.Itoa(u.at[i])
		if before, ok := file["PORT"]; ok && before != values["PORT"] {
			rewrites = append(rewrites, compose.Rewrite{Variable: "PORT", From: before, To: values["PORT"], Service: u.service.Name})
		}
	}
	for name, value := range u.runner.opts.Environment {
		if _, ok := values[name]; !ok {
			values[name] = value
		}
	}
	if _, ok := values["OTEL_SERVICE_NAME"]; !ok {
		values["OTEL_SERVICE_NAME"] = u.service.Name
	}
	return values, rewrites, unresolved
}

// view is what is known of the service now.
func (u *unit) view() view.Service {
	u.mu.Lock()
	defer u.mu.Unlock()
	s := view.Service{
		Name: u.service.Name, Provider: string(u.service.Provider), Reason: u.service.Reason, State: u.state, Detail: u.detail, Hint: u.hint,
		Notes: slices.Concat(u.service.Notes, u.notes, u.unresolved), Image: u.service.Image, Command: u.service.Argv,
		File: u.service.File, Line: u.service.Line,
		Instances: []view.ServiceInstance{}, Ports: []view.ServicePort{}, Rewrites: []view.Rewrite{}, Events: slices.Clone(u.events),
	}
	if u.service.Proposal != nil && u.service.Provider == compose.ByUser {
		s.Proposal = u.service.Proposal.String()
	}
	for _, p := range u.attempt.all() {
		now, _ := p.Status()
		s.Instances = append(s.Instances, view.ServiceInstance{
			PID: now.PID, StartedAt: now.Started, Restarts: now.Restarts, ExitCode: now.ExitCode, Signal: now.Signal,
		})
	}
	for _, port := range u.at {
		s.Ports = append(s.Ports, view.ServicePort{Port: u.port, Address: local(port)})
	}
	for _, r := range u.rewrites {
		s.Rewrites = append(s.Rewrites, view.Rewrite(r))
	}
	return s
}
