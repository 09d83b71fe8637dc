package runner

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"axion/services/compose"
)

// withFile is in the data directory: the compose file of what --with asks for, and, in another,
// its password.
const (
	withFile         = "with.yaml"
	withPasswordFile = "with.password"
)

// servers are what --with starts, as a compose file has it, and the variable by which every
// process reaches it; %s is the password, and %[2]d the port.
var servers = map[string]struct{ service, variable, url string }{
	"postgres": {
		"  postgres:\n    image: postgres\n    environment: {POSTGRES_PASSWORD: %s}\n    ports: [\"5432:5432\"]\n",
		"DATABASE_URL", "postgres://postgres:%s@127.0.0.1:%d/postgres",
	},
	"redis": {
		"  redis:\n    image: redis\n    command: redis-server --requirepass %s --appendonly yes\n    ports: [\"6379:6379\"]\n",
		"REDIS_URL", "redis://:%s@127.0.0.1:%d/0",
	},
}

// WithVariables are the variables by which processes reach what --with starts, as far as that
// runs.
func WithVariables() []string {
	var all []string
	for _, s := range servers {
		all = append(all, s.variable)
	}
	return all
}

// withValue is the flag of [Flags.With].
type withValue []string

func (v *withValue) String() string { return strings.Join(*v, ",") }
func (v *withValue) Type() string   { return "LIST" }

// Set adds servers. The error is one that is none of them.
func (v *withValue) Set(text string) error {
	for name := range strings.SplitSeq(text, ",") {
		name = strings.TrimSpace(name)
		if _, ok := servers[name]; !ok {
			return fmt.Errorf("%q is neither postgres nor redis", name)
		}
		if !slices.Contains(*v, name) {
			*v = append(*v, name)
		}
	}
	return nil
}

// with adds to a project, which may be nil, the servers that --with asks for, and returns their
// password.
func (o *Options) with(ctx context.Context, project *compose.Project) (*compose.Project, string, error) {
	missing := slices.DeleteFunc(slices.Clone(o.With), func(name string) bool { return project != nil && project.Service(name) != nil })
	for _, name := range o.With {
		if !slices.Contains(missing, name) {
			o.Log.Warn("the compose file has a service of that name: --with starts no other", "service", name)
		}
	}
	if len(missing) == 0 {
		return project, "", nil
	}
	file, password, err := o.writeWith(missing)
	if err != nil {
		return nil, "", fmt.Errorf("--with: %w", err)
	}
	files := []string{file}
	if project != nil {
		files = append(slices.Clone(o.Files), file)
	}
	return o.read(ctx, files), password, nil
}

// writeWith writes a compose file of servers, and returns their password, which stays that of
// their data.
func (o *Options) writeWith(names []string) (file, password string, err error) {
	at := filepath.Join(o.DataDir, withPasswordFile)
	kept, err := os.ReadFile(at)
	if password = string(kept); errors.Is(err, fs.ErrNotExist) {
		password = rand.Text()
		err = os.WriteFile(at, []byte(password), 0o600)
	}
	if err != nil {
		return "", "", err
	}
	text := "services:\n"
	for _, name := range names {
		text += fmt.Sprintf(servers[name].service, password)
	}
	file = filepath.Join(o.DataDir, withFile)
	return file, password, os.WriteFile(file, []byte(text), 0o600)
}

// reach has every process reach what --with has started.
func (r *Runner) reach(password string) {
	if r.opts.Environment == nil {
		r.opts.Environment = map[string]string{}
	}
	for _, name := range r.opts.With {
		if u := r.unit(name); u != nil && filepath.Base(u.service.File) == withFile && len(u.at) > 0 {
			r.opts.Environment[servers[name].variable] = fmt.Sprintf(servers[name].url, password, u.at[0])
		}
	}
}
