package graph

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/dustin/go-humanize/english"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/twmb/franz-go/pkg/kgo"

	"axion/services/bus"
	"axion/services/contract"
	"axion/services/graph/history"
)

// Command returns "rebuild", which has a running graph-service make its read
// model again from the history, by a request over Kafka, as services send each other:
// so it reaches the service wherever that runs, and needs neither its HTTP port
// nor a token. connect returns how to reach Kafka, by the flags that register adds; its
// errors are returned as they are. For a service that does not run there is [Rebuild].
func Command(connect func() (seeds []string, opts []kgo.Opt, err error), register func(*pflag.FlagSet)) *cobra.Command {
	timeout, asJSON := time.Minute, false
	cmd := &cobra.Command{
		Use:   "rebuild SERVICE",
		Short: "Make a service's read model again from its events",
		Long: `Drops what graph-service answers queries from, and makes it again from the
whole history on ` + history.Topic + `. Changes wait meanwhile. If anything
is wrong with the history, nothing is changed.`,
		Example:   "  axion rebuild " + contract.Graph,
		Args:      cobra.MatchAll(cobra.ExactArgs(1), onlyGraph),
		ValidArgs: []string{contract.Graph},
		RunE: func(cmd *cobra.Command, _ []string) error {
			seeds, opts, err := connect()
			if err != nil {
				return err
			}
			began := time.Now()
			ctx, cancel := context.WithTimeout(cmd.Context(), timeout)
			defer cancel()
			done, err := requestRebuild(ctx, seeds, opts)
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(done)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s rebuilt from %s in %s: %s\n", contract.Graph, english.Plural(done.Events, "event", ""),
				time.Since(began).Round(time.Millisecond), english.Plural(done.Projects, "project", ""))
			return err
		},
	}
	register(cmd.Flags())
	cmd.Flags().DurationVar(&timeout, "timeout", timeout, "give up waiting after `TIME`; the service goes on")
	cmd.Flags().BoolVar(&asJSON, "json", false, `print {"events":…,"projects":…}`)
	return cmd
}

func onlyGraph(_ *cobra.Command, args []string) error {
	if args[0] != contract.Graph {
		return fmt.Errorf("%s cannot be rebuilt: only %s keeps a history", args[0], contract.Graph)
	}
	return nil
}

// requestRebuild sends the request in the service's own name: its reply topic is there, and
// each client of it picks its own answers out.
func requestRebuild(ctx context.Context, seeds []string, opts []kgo.Opt) (done RebuildResult, err error) {
	if len(seeds) == 0 || seeds[0] == "" {
		return done, errors.New("rebuild: the running stack has no address of a broker")
	}
	b, err := bus.Open(ctx, bus.Options{Service: contract.Graph, Brokers: seeds, Client: opts})
	if err != nil {
		return done, err
	}
	defer b.Close()
	err = b.Request(ctx, bus.Call{
		Topic: contract.Topic(contract.Graph), Service: contract.Graph, Type: rebuildRequest, Out: &done,
	})
	return done, err
}
