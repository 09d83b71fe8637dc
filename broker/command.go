package broker

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
)

// commandTimeout bounds "axion topics", start to end.
const commandTimeout = 10 * time.Second

// Command returns "topics", which lists the topics of the running stack, with more
// subcommands below it. address tells where its broker is; its errors are returned
// as they are.
func Command(address func() (string, error), more ...*cobra.Command) *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use: "topics", Short: "List the topics of the running stack", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			at, err := address()
			if err != nil {
				return err
			}
			admin, err := NewAdmin([]string{at}, slog.New(slog.DiscardHandler))
			if err != nil {
				return err
			}
			defer admin.Close()
			ctx, cancel := context.WithTimeout(cmd.Context(), commandTimeout)
			defer cancel()
			topics, err := admin.Topics(ctx)
			if err != nil {
				return fmt.Errorf("ask the broker at %s: %w", at, err)
			}
			if asJSON {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(map[string]any{"items": topics})
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 8, 2, ' ', 0)
			_, _ = fmt.Fprintln(w, "TOPIC\tPARTITIONS\tMESSAGES")
			for _, t := range topics {
				_, _ = fmt.Fprintf(w, "%s\t%d\t%d\n", t.Name, len(t.Partitions), t.Messages)
			}
			return w.Flush()
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, `print {"items":[…]}`)
	cmd.AddCommand(more...)
	return cmd
}
