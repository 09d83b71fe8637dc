package runner

import "github.com/spf13/pflag"

// Flags of a command that runs a compose project.
type Flags struct {
	Profiles []string // that are on, beside those of COMPOSE_PROFILES
	Accept   bool     // run what is proposed for services that the files give no command
	With     []string // servers that run beside those of the file: postgres, redis
	Docker   bool     // have a container engine run what nothing else provides
}

// Register adds the flags to set.
func (f *Flags) Register(set *pflag.FlagSet) {
	set.StringArrayVar(&f.Profiles, "profile", nil, "run the services of the compose file's `PROFILE` too; may be repeated (COMPOSE_PROFILES)")
	set.Var((*withValue)(&f.With), "with",
		"start a PostgreSQL or Redis too, without a file: `LIST` of postgres and redis; axion env prints where they are")
	set.BoolVar(&f.Docker, "docker", false, "run in containers what nothing else provides, and follow the labels of running containers")
	set.BoolVarP(&f.Accept, "yes", "y", false, "run the commands that axion init proposes for services without one, this time")
}
