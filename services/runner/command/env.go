package command

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

func envCommand(s Stack) *cobra.Command {
	cmd := &cobra.Command{
		Use: "env [SERVICE]", Args: cobra.MaximumNArgs(1),
		Short: "Print the environment variables of a service, or of a process in a builtin's place",
		Long: "With SERVICE, of the compose file: print the environment that it runs in, with the addresses of this machine for the\n" +
			"names of services; on a terminal a comment says what the file has in their place.\n\n" +
			"Without: print where the running stack's Kafka is, and the key that signs messages which have a command run, for a\n" +
			"process in a builtin's place, and the PostgreSQL and Redis started without a file. The key is a secret: who has it can\n" +
			"run commands as you.",
		Example: "  env $(axion env) node dist/main.js\n  eval \"$(axion env orders --format shell)\"\n" +
			"  axion env orders > .env.local\n  axion env orders --format github >> \"$GITHUB_ENV\"",
	}
	format := cmd.Flags().String("format", "dotenv", "write it as `FORMAT`: "+strings.Join(slices.Sorted(maps.Keys(formats)), ", "))
	asJSON := cmd.Flags().Bool("json", false, "print JSON")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		switch write := formats[*format]; {
		case write == nil:
			return fmt.Errorf("--format %q: must be one of %s", *format, strings.Join(slices.Sorted(maps.Keys(formats)), ", "))
		case *asJSON && cmd.Flags().Changed("format") && *format != "json":
			return fmt.Errorf("--json and --format %s: use one of them", *format)
		case *asJSON:
			*format = "json"
		}
		all, err := s.environment(cmd.Context(), args...)
		if err != nil {
			return err
		}
		out := cmd.OutOrStdout()
		return formats[*format](out, all, isTerminal(out))
	}
	return cmd
}

// environment is that of a service, or without a name that of a process in a builtin's place.
func (s Stack) environment(ctx context.Context, service ...string) ([]variable, error) {
	if len(service) == 0 {
		running, err := s.running()
		if err != nil {
			return nil, err
		}
		values, err := s.Replacement(running.Data, running.Kafka)
		if err != nil {
			return nil, err
		}
		var common struct{ Items []variable }
		if err := newClient(running, s.Check).get(ctx, "/api/environment", &common); err != nil {
			return nil, err
		}
		for _, v := range common.Items {
			if v.Source == "with" {
				values[v.Name] = v.Value
			}
		}
		var all []variable
		for _, name := range slices.Sorted(maps.Keys(values)) {
			all = append(all, variable{Name: name, Value: values[name]})
		}
		return all, nil
	}
	c, err := s.open()
	if err != nil {
		return nil, err
	}
	if err := c.check(ctx, service...); err != nil {
		return nil, err
	}
	var list struct{ Items []variable }
	err = c.get(ctx, servicePath(service[0], "environment?reveal=true"), &list)
	return list.Items, err
}
