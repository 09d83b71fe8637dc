package services

import (
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"axion/services/contract"
	"axion/services/replacement"
	"axion/services/store"
)

// Options of [Builtins].
type Options struct {
	// Without names the builtins that are not to run, each with the address of what takes
	// its place where that is known, "SERVICE=host:port"; None leaves out all. One may be
	// there several times, with several addresses.
	Without    []string
	NoBuiltins bool
	// Scale is how many instances of a builtin run; one of those that it does not
	// name. They share its database.
	Scale map[string]int
	// Database is the URL of a PostgreSQL database for all of them. Empty: SQLite
	// files.
	Database string
	// AllowRemoteSignIn lets clients of other machines sign in and up at the builtin
	// auth-service.
	AllowRemoteSignIn bool
	// Listen opens "host:port" addresses.
	Listen func(addr string) (net.Listener, error)
	// Check looks at each connection to what takes a builtin's place before anything is
	// sent. Nil lets every one be.
	Check func(net.Conn) error
	// FreePorts gives every service a free port in place of its own.
	FreePorts bool
	Log       *slog.Logger
}

// Register adds the flags --without, --no-builtins, --scale, --database and
// --allow-remote-sign-in to set.
func (o *Options) Register(set *pflag.FlagSet) {
	set.StringToIntVar(&o.Scale, "scale", nil, "run N instances of a builtin, behind the gateway's balancer: `SERVICE=N`")
	RegisterDatabase(set, &o.Database)
	RegisterRemoteSignIn(set, &o.AllowRemoteSignIn)
	set.StringArrayVar(&o.Without, "without", nil,
		"do not start this builtin `SERVICE`: your own process takes its place, at its port, or at SERVICE=HOST:PORT")
	set.BoolVar(&o.NoBuiltins, "no-builtins", false, "broker, gateway and dashboard only")
}

// RegisterRemoteSignIn adds the flag --allow-remote-sign-in to set.
func RegisterRemoteSignIn(set *pflag.FlagSet, allow *bool) {
	set.BoolVar(allow, "allow-remote-sign-in", false, "let clients of other machines sign in and up at the builtin auth-service")
}

// RegisterDatabase adds the flag --database to set.
func RegisterDatabase(set *pflag.FlagSet, url *string) {
	set.StringVar(url, "database", "", "keep the services' data in PostgreSQL, at `URL` postgres://USER:PASSWORD@HOST:5432/DATABASE, "+
		"in place of SQLite files; PGPASSWORD may hold the password")
}

// Topics are those that the builtins use, and those whose records never go. With no
// builtins there are none.
func (o *Options) Topics() (topics, keep []string) {
	if o.NoBuiltins {
		return nil, nil
	}
	return contract.Topics(), []string{contract.HistoryTopic(contract.Graph)}
}

// maxScale bounds the instances of one builtin: they share one process.
const maxScale = 16

// validate refuses what no builtin can be, and a database that cannot be one.
func (o *Options) validate() error {
	if _, err := o.leftOut(); err != nil {
		return err
	}
	for name, n := range o.Scale {
		flag := fmt.Sprintf("--scale %s=%d", name, n)
		if err := checkName(flag, name); err != nil {
			return err
		}
		switch {
		case n < 1 || n > maxScale:
			return fmt.Errorf("%s: must be from 1 to %d", flag, maxScale)
		case n > 1 && name == contract.Infrastructure:
			return fmt.Errorf("%s: it runs the projects in its own process, of which one is active at a time", flag)
		case o.NoBuiltins || o.leavesOut(name):
			return fmt.Errorf("%s: it is not started here", flag)
		}
	}
	if o.AllowRemoteSignIn && (o.NoBuiltins || o.leavesOut(contract.Auth)) {
		return fmt.Errorf("--allow-remote-sign-in: the builtin %s is not started here", contract.Auth)
	}
	if o.Database == "" {
		return nil
	}
	return store.CheckURL(o.Database)
}

// leftOut are the builtins that Without names, with the addresses in their place.
func (o *Options) leftOut() (map[string][]string, error) {
	all := map[string][]string{}
	for _, text := range o.Without {
		name, at, given := strings.Cut(text, "=")
		if err := checkName("--without "+text, name); err != nil {
			return nil, err
		}
		if all[name] = append([]string{}, all[name]...); !given {
			continue
		}
		address, err := replacement.Address(at)
		if err != nil {
			return nil, fmt.Errorf("--without %s: %w", text, err)
		}
		all[name] = append(all[name], address)
	}
	return all, nil
}

// leavesOut says whether a builtin is left out.
func (o *Options) leavesOut(name string) bool {
	left, _ := o.leftOut()
	_, ok := left[name]
	return ok
}

func checkName(flag, name string) error {
	if names := contract.Names(); !slices.Contains(names, name) {
		return fmt.Errorf("%s: there is no such builtin, only %s", flag, strings.Join(names, ", "))
	}
	return nil
}

// listen opens a service's own port for its first instance, a free one for others.
func (o *Options) listen(service contract.Service, instance int) (net.Listener, error) {
	if o.FreePorts || instance > 0 {
		return o.Listen("localhost:0")
	}
	l, err := o.Listen("localhost:" + strconv.Itoa(service.Port))
	if err == nil {
		return l, nil
	}
	if l, err = o.Listen("localhost:0"); err == nil {
		o.Log.Warn("port taken, moved to another", "service", service.Name, "port", service.Port, "address", l.Addr().String())
	}
	return l, err
}
