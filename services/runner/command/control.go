package command

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"axion/web/view"
)

// actCommand is start, stop or restart. Of several services the names are checked before
// anything is done, and one that cannot be acted on ends it.
func actCommand(s Stack, verb, short string) *cobra.Command {
	cmd := &cobra.Command{
		Use: verb + " SERVICE...", Short: short, Args: cobra.MinimumNArgs(1),
		Long: short + ", in the running stack, one after the other.\n" +
			"It returns once that is done: what is started runs then, and may not be ready yet.",
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := s.open()
		if err != nil {
			return err
		}
		args = slices.Compact(args)
		if err := c.check(cmd.Context(), args...); err != nil {
			return err
		}
		for _, name := range args {
			var now view.Service
			if err := c.post(cmd.Context(), servicePath(name, verb), nil, &now); err != nil {
				return fmt.Errorf("%s %s: %w", verb, name, err)
			}
			if _, err := fmt.Fprintf(cmd.OutOrStdout(), "%s is %s\n", name, now.State); err != nil {
				return err
			}
		}
		return nil
	}
	return cmd
}
