package broker

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"axion/broker/admin"
)

// commandTimeout bounds "axion topics", start to end.
const commandTimeout = 10 * time.Second

// Command returns "topics", which lists the topics of the running stack, with more
// subcommands below it, which all take --brokers for a cluster without a stack. Errors
// of connect are returned as they are.
func (f *Flags) Command(connect Connect, more ...*cobra.Command) *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use: "topics [TOPIC...]", Short: "List the topics of the running stack, or those named", Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			seeds, opts, err := connect()
			if err != nil {
				return err
			}
			at := strings.Join(seeds, ",")
			a, err := admin.New(seeds, slog.New(slog.DiscardHandler), opts...)
			if err != nil {
				return err
			}
			defer a.Close()
			ctx, cancel := context.WithTimeout(cmd.Context(), commandTimeout)
			defer cancel()
			topics, err := a.Topics(ctx)
			if err != nil {
				return fmt.Errorf("ask the broker at %s: %w", at, err)
			}
			if topics, err = named(topics, args); err != nil {
				return err
			}
			names := make([]string, 0, len(topics))
			for _, t := range topics {
				names = append(names, t.Name)
			}
			keeps, err := a.Retention(ctx, names...)
			if err != nil {
				return fmt.Errorf("ask the broker at %s: %w", at, err)
			}
			if asJSON {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(map[string]any{"items": withKeeps(topics, keeps)})
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 8, 2, ' ', 0)
			_, _ = fmt.Fprintln(w, "TOPIC\tPARTITIONS\tMESSAGES\tKEEPS")
			for _, t := range topics {
				_, _ = fmt.Fprintf(w, "%s\t%d\t%d\t%s\n", t.Name, len(t.Partitions), t.Messages, keeps[t.Name])
			}
			return w.Flush()
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, `print {"items":[…]}`)
	f.Register(cmd.PersistentFlags())
	cmd.AddCommand(more...)
	return cmd
}

// noTopicError is about a name that is no topic's.
type noTopicError struct{ name string }

func (e noTopicError) Error() string { return fmt.Sprintf("there is no topic %q", e.name) }

// Hint is the hint shown with the error.
func (noTopicError) Hint() string { return "axion topics lists them" }

// named returns those topics that have a name, or all where no name is given.
func named(topics []admin.Topic, names []string) ([]admin.Topic, error) {
	if len(names) == 0 {
		return topics, nil
	}
	found := make([]admin.Topic, 0, len(names))
	for _, name := range names {
		i := slices.IndexFunc(topics, func(t admin.Topic) bool { return t.Name == name })
		if i < 0 {
			return nil, noTopicError{name}
		}
		found = append(found, topics[i])
	}
	return found, nil
}

// listedTopic is a topic as the command prints it.
type listedTopic struct {
	admin.Topic
	Keeps string `json:"keeps"` // a partition keeps this
}

func withKeeps(topics []admin.Topic, keeps map[string]string) []listedTopic {
	listed := make([]listedTopic, len(topics))
	for i, t := range topics {
		listed[i] = listedTopic{t, keeps[t.Name]}
	}
	return listed
}
