package broker

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Connect returns how to reach a Kafka cluster: its brokers, and what else it takes.
type Connect func() (seeds []string, opts []kgo.Opt, err error)

// Running returns how the running stack reaches its Kafka: its addresses with commas
// between, and the variables of [Flags.Variables].
type Running func() (addresses string, variables map[string]string, err error)

// Connect is for commands: the cluster that --brokers names, by [Security], else that
// of the running stack, with what that has it by. Errors of running are returned as
// they are.
func (f *Flags) Connect(running Running) Connect {
	return func() ([]string, []kgo.Opt, error) {
		if f.External() {
			seeds, err := f.seeds()
			if err != nil {
				return nil, nil, err
			}
			opts, err := Security(os.Getenv)
			return seeds, opts, err
		}
		addresses, variables, err := running()
		if err != nil {
			return nil, nil, err
		}
		opts, err := Security(func(name string) string { return variables[name] })
		return strings.Split(addresses, ","), opts, err
	}
}

// Variables are those of the environment that [Security] reads, with absolute paths,
// for processes elsewhere that go to the same cluster. None for the embedded broker.
// They hold the password.
func (f *Flags) Variables() map[string]string {
	if !f.External() {
		return nil
	}
	set := map[string]string{}
	for _, name := range []string{mechanismEnv, usernameEnv, passwordEnv, tlsEnv, caEnv, certEnv, keyEnv} {
		value := os.Getenv(name)
		if value == "" {
			continue
		}
		if name == caEnv || name == certEnv || name == keyEnv {
			if abs, err := filepath.Abs(value); err == nil {
				value = abs
			}
		}
		set[name] = value
	}
	return set
}
