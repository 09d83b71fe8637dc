package trust

import "github.com/spf13/cobra"

// Fake is a machine whose stores are in directories of a test.
type Fake struct {
	Home, Prefix, System string
	Admin                bool
	Env                  map[string]string
	Update               []string
	Ports                []int
}

// CommandsOn are Commands on that machine.
func CommandsOn(f Fake, rootFile func() (string, error), stack func() (Stack, error)) []*cobra.Command {
	m := &machine{system: f.System, home: f.Home, prefix: f.Prefix, admin: f.Admin, env: func(k string) string { return f.Env[k] },
		update: f.Update, ports: f.Ports}
	return commands(func() *machine { return m }, rootFile, stack)
}

// Shell is for tests of quoting.
var Shell = shell
