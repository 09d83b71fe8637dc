package runner

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/compose-spec/compose-go/v2/types"

	"axion/services/backing/postgres"
	"axion/services/backing/redis"
	"axion/services/compose"
	"axion/services/process"
	"axion/services/process/health"
	"axion/web/view"
)

// prepare makes what runs as the service: one command an instance, or what serves in
// this process.
func (u *unit) prepare(ctx context.Context) (commands []commandFunc, serve func(context.Context) error, err error) {
	u.mu.Lock()
	u.notes = nil
	u.mu.Unlock()
	switch u.service.Provider {
	case compose.ByBacking:
		if u.service.Kind == compose.Postgres {
			commands, err = u.preparePostgres(ctx)
			return commands, nil, err
		}
		return u.prepareRedis()
	case compose.ByProcess:
		commands := make([]commandFunc, u.scale())
		for i := range commands {
			commands[i] = func(context.Context) (*exec.Cmd, error) {
				cmd := exec.Command(ownProgram(u.service.Dir, u.service.Argv[0]), u.service.Argv[1:]...)
				cmd.Args[0] = u.service.Argv[0]
				cmd.Dir, cmd.Env = u.service.Dir, append(u.environment(i), "PWD="+u.service.Dir)
				return cmd, nil
			}
		}
		return commands, nil, nil
	case compose.ByContainer:
		commands, err = u.prepareContainer(ctx)
		return commands, nil, err
	default:
		return nil, nil, fmt.Errorf("nothing runs what is provided by %s", u.service.Provider)
	}
}

func (u *unit) values() map[string]string {
	all := map[string]string{}
	for name, value := range u.service.Environment {
		if value != nil {
			all[name] = *value
		}
	}
	return all
}

func (u *unit) preparePostgres(ctx context.Context) ([]commandFunc, error) {
	u.set(view.ServiceStarting, "", "")
	binaries := u.runner.opts.Postgres
	binaries.Progress = u.fetching
	s, err := postgres.Prepare(ctx, postgres.Options{
		Major: u.service.Major(), DataDir: filepath.Join(u.runner.opts.DataDir, "postgres", u.service.Name), Environment: u.values(),
		Scripts: initScripts(u.service), Arguments: settings(u.service), Port: u.at[0], Binaries: binaries,
	})
	if err != nil {
		return nil, err
	}
	if s.Note != "" {
		u.prepared(s.Note)
	}
	return []commandFunc{func(context.Context) (*exec.Cmd, error) { return s.Command(), nil }}, nil
}

// prepared notes what of the server is not as the file asks for it.
func (u *unit) prepared(notes ...string) {
	u.mu.Lock()
	same := slices.Equal(u.notes, notes)
	u.notes = notes
	u.mu.Unlock()
	for _, note := range notes {
		if !same { // not at each start
			u.log().Warn(note)
		}
	}
}

// fetching shows how much of the server's programs is here.
func (u *unit) fetching(done, total int64) {
	const mb = 1 << 20
	detail := fmt.Sprintf("PostgreSQL is fetched: %d MB", done/mb)
	if total > 0 {
		detail += fmt.Sprintf(" of %d", total/mb)
	}
	u.set(view.ServiceStarting, detail, "")
}

// initScripts are what the file puts where the image looks for them.
func initScripts(s *compose.Service) []string {
	var all []string
	for _, v := range s.Volumes {
		if v.Type == "bind" && strings.HasPrefix(v.Target, "/docker-entrypoint-initdb.d") {
			all = append(all, v.Source)
		}
	}
	return all
}

// mounts are the files and folders of this machine in a container, by their path there.
func mounts(s *compose.Service) map[string]string {
	all := map[string]string{}
	for _, v := range s.Volumes {
		if v.Type == "bind" {
			all[v.Target] = v.Source
		}
	}
	return all
}

// settings are the arguments of the server's program in the file's command.
func settings(s *compose.Service) []string {
	if len(s.Command) > 0 && !strings.HasPrefix(s.Command[0], "-") {
		return s.Command[1:]
	}
	return s.Command
}

func (u *unit) prepareRedis() ([]commandFunc, func(context.Context) error, error) {
	s, err := redis.Prepare(redis.Options{
		Command: u.service.Command, Environment: u.values(), Port: u.at[0],
		DataDir: filepath.Join(u.runner.opts.DataDir, "redis", u.service.Name),
		Files:   mounts(u.service),
	})
	if err != nil {
		return nil, nil, err
	}
	u.prepared(s.Notes...)
	if s.InProcess() {
		return nil, s.Serve, nil
	}
	return []commandFunc{func(context.Context) (*exec.Cmd, error) { return s.Command() }}, nil, nil
}

func (u *unit) hasHealth() bool {
	h := u.service.HealthCheck
	checked := h != nil && !h.Disable && len(h.Test) > 0 && h.Test[0] != "NONE"
	ofImage := u.service.Provider == compose.ByContainer && h == nil // it may have one
	return checked || ofImage || u.service.Provider == compose.ByBacking
}

// health makes the health checks of instances.
func (u *unit) health() (func(i int) process.Health, error) {
	none := func(int) process.Health { return process.Health{} }
	if !u.hasHealth() {
		return none, nil
	}
	if u.service.Provider == compose.ByContainer {
		return u.containerHealth, nil
	}
	user := postgresClient(u.values(), 0)["PGUSER"]
	test, h := []string{"CMD", "pg_isready", "-U", user}, process.Health{Interval: 5 * time.Second, StartInterval: 25 * time.Millisecond}
	if u.service.Kind == compose.Redis {
		test = []string{"CMD", "redis-cli", "ping"}
	}
	if c := u.service.HealthCheck; c != nil && u.service.Provider == compose.ByProcess {
		test = c.Test
		h = settingsOf(c)
	}
	if _, err := health.New(test, health.Target{}); err != nil {
		return nil, err
	}
	return func(i int) process.Health {
		h := h
		own := compose.Addresses{}
		at := ""
		if i < len(u.at) {
			at = local(u.at[i])
			own.Add("localhost", []string{"127.0.0.1", "0.0.0.0", u.service.Name}, u.port, at)
		}
		check, _ := health.New(test, health.Target{ // it was made before without an error
			Dir: u.service.Dir, Env: u.environment(i), Own: at, Provided: u.service.Provider != compose.ByProcess,
			Rewrite: func(text string) string { return u.runner.addresses.Rewrite(own.Rewrite(text)) },
		})
		h.Check = func(ctx context.Context) error {
			err := check(ctx)
			if err == nil || i >= len(u.at) || u.service.Provider != compose.ByProcess || dialable(ctx, local(u.at[i])) == nil {
				return err
			}
			if found := u.misplaced(ctx, u.current(), i); found != nil {
				return hintError{fmt.Errorf("%w: %w", err, found), hint(found)}
			}
			return err
		}
		return h
	}, nil
}

// settingsOf are those of a health check in the file.
func settingsOf(c *types.HealthCheckConfig) process.Health {
	h := process.Health{
		Interval: duration(c.Interval), Timeout: duration(c.Timeout), StartPeriod: duration(c.StartPeriod),
		StartInterval: duration(c.StartInterval),
	}
	if c.Retries != nil {
		h.Retries = int(*c.Retries)
	}
	return h
}

func duration[T ~int64](d *T) time.Duration {
	if d == nil {
		return 0
	}
	return time.Duration(*d)
}

func dialable(ctx context.Context, address string) error {
	c, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	return c.Close()
}

func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
