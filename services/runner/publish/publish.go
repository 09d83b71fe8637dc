// Package publish routes hosts of the gateway to processes that are started beside the
// stack: NAME.localhost to one that runs by `axion run --name NAME`, for as long as that
// keeps its connection, however it ends.
package publish

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"text/template"
	"time"

	"axion/services/contract"
	"axion/services/replacement"
	"axion/web/view"
)

// Domain is what the hosts are below.
const Domain = ".localhost"

// routeTimeout is how long a process that comes waits for its route.
const routeTimeout = 2 * time.Second

// prefix is that of the fragments, and of what is in them.
const prefix = "run-"

// Options of a [Registry]. All but Log are required.
type Options struct {
	// Dir is the directory of compose fragments that the gateway watches.
	Dir string
	// Listen opens a "host:port" address to this user of the machine alone.
	Listen func(addr string) (net.Listener, error)
	// Routes lists the gateway's, and WaitHost returns once one asks for a host.
	Routes   func() []view.Route
	WaitHost func(ctx context.Context, host string) error
	// Log says which hosts are routed. Nil discards.
	Log *slog.Logger
}

// Registry knows the processes. It is safe for concurrent use.
type Registry struct {
	*replacement.Registry
	opts Options
}

// Open listens on a free port of loopback. Routes that a killed stack has left are removed.
// Close the registry.
func Open(o Options) (*Registry, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	stale, err := filepath.Glob(filepath.Join(o.Dir, prefix+"*.yaml"))
	if err != nil {
		return nil, err
	}
	for _, name := range stale {
		if err := os.Remove(name); err != nil {
			return nil, fmt.Errorf("remove an old route: %w", err)
		}
	}
	r := &Registry{opts: o}
	if r.Registry, err = replacement.New(replacement.Options{Listen: o.Listen, CheckReplaceable: r.check}); err != nil {
		return nil, err
	}
	r.Follow(r.route)
	return r, nil
}

// Close ends all registrations and removes their routes. It can be called again.
func (r *Registry) Close(ctx context.Context) error {
	r.Registry.Close(ctx)
	names, err := filepath.Glob(filepath.Join(r.opts.Dir, prefix+"*.yaml"))
	for _, name := range names {
		if failed := os.Remove(name); failed != nil && !os.IsNotExist(failed) {
			err = failed
		}
	}
	return err
}

// label is a name between two dots of a host (RFC 1123, section 2.1).
var label = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// Check says why a name is none to route, or nil. It asks no stack.
func Check(name string) error {
	if !label.MatchString(name) {
		return fmt.Errorf("%q is no name of a host: write up to 63 of a to z, 0 to 9 and -, which is neither first nor last", name)
	}
	reserved := []string{contract.DashboardHost, contract.AppsDomain}
	for _, s := range contract.Services() {
		reserved = append(reserved, s.Host)
	}
	if slices.Contains(reserved, name+Domain) {
		return fmt.Errorf("%s is a host of the stack itself", name+Domain)
	}
	return nil
}

// check says why nobody may have a name now, or nil.
func (r *Registry) check(name string) error {
	if err := Check(name); err != nil {
		return err
	}
	host := "`" + name + Domain + "`"
	for _, route := range r.opts.Routes() {
		if strings.Contains(strings.ToLower(route.Rule), host) && !strings.HasPrefix(route.Name, prefix+name+"@") &&
			!strings.HasPrefix(route.Name, prefix+name+"_tls@") {
			return fmt.Errorf("%s is taken: router %s (%s) has the rule %s", name+Domain, route.Name, route.Origin, route.Rule)
		}
	}
	return nil
}

// fragment routes a host by HTTP and HTTPS to an address. A name is a DNS label, which needs
// no quoting, and what follows an underscore is part of no other.
var fragment = template.Must(template.New("fragment").Parse(
	`# Written by axion while a process runs by "axion run --name {{.Name}}".
services:
  run-{{.Name}}:
    labels:
      traefik.enable: "true"
      traefik.http.routers.run-{{.Name}}.rule: Host(` + "`{{.Name}}.localhost`" + `)
      traefik.http.routers.run-{{.Name}}.entrypoints: web
      traefik.http.routers.run-{{.Name}}_tls.rule: Host(` + "`{{.Name}}.localhost`" + `)
      traefik.http.routers.run-{{.Name}}_tls.entrypoints: websecure
      traefik.http.routers.run-{{.Name}}_tls.tls: "true"
      traefik.http.services.run-{{.Name}}.loadbalancer.server.url: "http://{{.Address}}"
`))

// route writes the fragment of a name, or removes it where nobody has that any more.
func (r *Registry) route(name string, addresses []string) error {
	file := filepath.Join(r.opts.Dir, prefix+name+".yaml")
	switch len(addresses) {
	case 0:
		r.opts.Log.Info("a process is gone", "host", name+Domain)
		return os.Remove(file)
	case 1:
	default:
		return fmt.Errorf("%s is taken by another process, at %s", name+Domain, addresses[0])
	}
	var text strings.Builder
	if err := fragment.Execute(&text, struct{ Name, Address string }{name, addresses[0]}); err != nil {
		return err
	}
	if err := os.MkdirAll(r.opts.Dir, 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(file+".tmp", []byte(text.String()), 0o600); err != nil { // not an extension that the gateway reads
		return err
	}
	if err := os.Rename(file+".tmp", file); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), routeTimeout)
	defer cancel()
	if err := r.opts.WaitHost(ctx, name+Domain); err != nil {
		_ = os.Remove(file)
		return err
	}
	r.opts.Log.Info("a process is routed", "host", name+Domain, "address", addresses[0])
	return nil
}
