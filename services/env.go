package services

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"axion/services/signature"
)

// EnvCommand is `env`: the environment of a process that takes a builtin's place in the
// running stack. dir is the stack's data directory, and kafka gives its bootstrap servers;
// its errors are returned as they are.
func EnvCommand(dir func() string, kafka func() (string, error)) *cobra.Command {
	cmd := &cobra.Command{
		Use: "env", Short: "Print the environment variables of a process in a builtin's place", Args: cobra.NoArgs,
		Long: "Print where the running stack's Kafka is, and the key that signs messages which have a command run, as NAME=value\n" +
			"lines. The key is a secret: who has it can run commands as you.",
		Example: "  env $(axion env) node dist/main.js",
	}
	asJSON := cmd.Flags().Bool("json", false, "print JSON")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		brokers, err := kafka()
		if err != nil {
			return err
		}
		key, err := signature.Load(dir())
		if err != nil {
			return err
		}
		if *asJSON {
			return json.NewEncoder(cmd.OutOrStdout()).Encode(map[string]string{"KAFKA_BROKERS": brokers, signature.Variable: key.String()})
		}
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "KAFKA_BROKERS=%s\n%s=%s\n", brokers, signature.Variable, key)
		return err
	}
	return cmd
}
