package summary

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"
)

// VersionCommand is `axion version`.
func VersionCommand(name, version string) *cobra.Command {
	cmd := &cobra.Command{Use: "version", Short: "Print the version", Args: cobra.NoArgs}
	asJSON := cmd.Flags().Bool("json", false, "print JSON")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if *asJSON {
			return json.NewEncoder(cmd.OutOrStdout()).Encode(map[string]string{"version": version})
		}
		_, err := fmt.Fprintln(cmd.OutOrStdout(), name, version)
		return err
	}
	return cmd
}
