package runner

import (
	"cmp"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

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

// directory is where the service's command runs; empty for none.
func (u *unit) directory() string {
	if u.service.Provider != compose.ByProcess {
		return ""
	}
	return u.service.Dir
}

// environment is what the process of instance i gets: what axion itself has, and over it the
// service's own.
func (u *unit) environment(i int) []string {
	env := os.Environ()
	if own := ownPrograms(u.directory()); len(own) > 0 {
		env = append(env, "PATH="+strings.Join(append(own, os.Getenv("PATH")), string(os.PathListSeparator)))
	}
	return append(env, u.resolve(i)...) // the last one counts
}

// ownPrograms are the folders of the programs that are installed for a directory alone: a
// Python environment's and npm's.
func ownPrograms(dir string) []string {
	var all []string
	for _, name := range []string{".venv/bin", ".venv/Scripts", "venv/bin", "venv/Scripts", "node_modules/.bin"} {
		at := filepath.Join(dir, filepath.FromSlash(name))
		if info, err := os.Stat(at); dir != "" && err == nil && info.IsDir() {
			all = append(all, at)
		}
	}
	return all
}

// ownProgram is a program of [ownPrograms] by its whole path, or any other's name.
func ownProgram(dir, name string) string {
	if filepath.Base(name) != name {
		return name
	}
	for _, at := range ownPrograms(dir) {
		if path, err := exec.LookPath(filepath.Join(at, name)); err == nil {
			return path
		}
	}
	return name
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

// postgresClient is what has psql and other clients by libpq reach a provided server, as they
// would in its container.
func postgresClient(values map[string]string, port int) map[string]string {
	user := cmp.Or(values["POSTGRES_USER"], values["POSTGRESQL_USERNAME"], "postgres")
	return map[string]string{
		"PGHOST": "127.0.0.1", "PGPORT": strconv.Itoa(port), "PGUSER": user,
		"PGPASSWORD": cmp.Or(values["POSTGRES_PASSWORD"], values["POSTGRESQL_PASSWORD"]),
		"PGDATABASE": cmp.Or(values["POSTGRES_DB"], values["POSTGRESQL_DATABASE"], user),
	}
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
	if u.service.Kind == compose.Postgres && len(u.at) > 0 {
		maps.Copy(values, postgresClient(values, u.at[0]))
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
