package runner

import "github.com/spf13/pflag"

// Flags of a command that runs a compose project.
type Flags struct {
	Profiles []string // see [Options]
	Accept   bool
}

// Register adds the flags to set.
func (f *Flags) Register(set *pflag.FlagSet) {
	set.StringArrayVar(&f.Profiles, "profile", nil, "run the services of the compose file's `PROFILE` too; may be repeated (COMPOSE_PROFILES)")
	set.BoolVarP(&f.Accept, "yes", "y", false, "run the commands that axion init proposes for services without one, this time")
}
