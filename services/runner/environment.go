package runner

import (
	"maps"
	"os"
	"slices"
	"strconv"

	"axion/services/compose"
)

// Variables are what every process gets, unless the file sets it: the bootstrap servers of
// Kafka, the URL that telemetry goes to over OTLP, the dashboard's URL, and those that have
// programs trust the local authority.
func Variables(kafka, otlp, dashboard string, trust map[string]string) map[string]string {
	all := map[string]string{"KAFKA_BROKERS": kafka, "OTEL_EXPORTER_OTLP_ENDPOINT": otlp, "AXION_DASHBOARD": dashboard}
	maps.Copy(all, trust)
	return all
}

// environment is what the process of instance i gets: what axion itself has, and over it the
// service's own.
func (u *unit) environment(i int) []string {
	return append(os.Environ(), u.resolve(i)...) // the last one counts
}

// resolve gives the service's own variables, and notes what was made of the file's.
func (u *unit) resolve(i int) []string {
	values, rewrites, unresolved := u.variables(i)
	u.mu.Lock()
	defer u.mu.Unlock()
	u.rewrites, u.unresolved = rewrites, nil
	for _, other := range unresolved {
		u.unresolved = append(u.unresolved, other.Variable+" names "+other.Service+", and no variable has its port: its host stays as it is")
	}
	env := make([]string, 0, len(values))
	for _, name := range slices.Sorted(maps.Keys(values)) {
		env = append(env, name+"="+values[name])
	}
	return env
}

// variables are what the file says for instance i, with addresses for names, over what
// every process gets.
func (u *unit) variables(i int) (map[string]string, []compose.Rewrite, []compose.Unresolved) {
	if u.service.Provider == compose.ByContainer {
		return u.containerVariables()
	}
	file := u.values()
	maps.Copy(file, u.service.Run.Env)
	keep := append(slices.Clone(u.service.Run.Keep), "PORT")
	values, rewrites, unresolved := u.runner.addresses.RewriteAll(file, keep)
	for name, value := range values {
		if to := u.service.RewritePaths(value); to != value && !slices.Contains(keep, name) {
			values[name] = to
			rewrites = append(rewrites, compose.Rewrite{Variable: name, From: value, To: to, Service: u.service.Name})
		}
	}
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
