package runner

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"axion/services/compose"
	"axion/services/process"
)

// StartService starts a service that is stopped, has failed or is complete. It returns once its
// processes run; they may not be ready.
func (r *Runner) StartService(ctx context.Context, service string) error {
	return r.each(service, func(p *process.Process) error { return p.Start(ctx) })
}

// StopService ends a service's processes, and returns once they have ended. They stay
// so until StartService.
func (r *Runner) StopService(ctx context.Context, service string) error {
	return r.each(service, func(p *process.Process) error { return p.Stop(ctx) })
}

// RestartService ends a service's processes and starts them, one after the other.
func (r *Runner) RestartService(ctx context.Context, service string) error {
	return r.each(service, func(p *process.Process) error { return p.Restart(ctx) })
}

// each does something with all processes of a service.
func (r *Runner) each(service string, do func(*process.Process) error) error {
	u := r.unit(service)
	if u == nil {
		return fmt.Errorf("the compose file has no service %s", service)
	}
	u.mu.Lock()
	processes := slices.Clone(u.processes)
	u.mu.Unlock()
	if len(processes) == 0 {
		return fmt.Errorf("%s has no process here: %s", service, u.service.Reason)
	}
	for _, p := range processes {
		if err := do(p); err != nil {
			return err
		}
	}
	return nil
}

// Variable is one variable of a service's environment.
type Variable struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	// From is the value of the file, where names in it were made addresses; Service is the
	// one that is meant.
	From    string `json:"from,omitempty"`
	Service string `json:"service,omitempty"`
	Source  string `json:"source" enum:"file,axion"`
	Secret  bool   `json:"secret"`
}

// Environment is what the first instance of a service gets, by name.
func (r *Runner) Environment(service string) ([]Variable, error) {
	u := r.unit(service)
	if u == nil {
		return nil, fmt.Errorf("the compose file has no service %s", service)
	}
	values, rewrites, _ := u.variables(0)
	all := make([]Variable, 0, len(values))
	for _, name := range slices.Sorted(maps.Keys(values)) {
		v := Variable{Name: name, Value: values[name], Source: "axion", Secret: isSecret(name)}
		if _, ok := u.values()[name]; ok {
			v.Source = "file"
		}
		if i := slices.IndexFunc(rewrites, func(w compose.Rewrite) bool { return w.Variable == name }); i >= 0 {
			v.From, v.Service = rewrites[i].From, rewrites[i].Service
		}
		all = append(all, v)
	}
	return all, nil
}

// isSecret says whether a variable's value is not to be shown unasked.
func isSecret(name string) bool {
	name = strings.ToUpper(name)
	return slices.ContainsFunc([]string{"PASSWORD", "PASSWD", "SECRET", "TOKEN", "KEY", "CREDENTIAL"}, func(part string) bool {
		return strings.Contains(name, part)
	})
}
