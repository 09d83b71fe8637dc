package gateway

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/spf13/cobra"
)

// maxAnswer bounds the routing table as read from a running stack, in bytes.
const maxAnswer = 64 << 20

// Command is `axion routes`: it asks the dashboard of a running stack, whose
// address it gets from dashboard, for the routing table, and prints it.
func Command(dashboard func() (string, error)) *cobra.Command {
	cmd := &cobra.Command{Use: "routes", Short: "Print the routing table of the running stack", Args: cobra.NoArgs}
	asJSON := cmd.Flags().Bool("json", false, "print JSON")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		address, err := dashboard()
		if err != nil {
			return err
		}
		routes, err := fetchRoutes(cmd, address)
		if err != nil {
			return fmt.Errorf("ask the running stack for its routes: %w", err)
		}
		if *asJSON {
			return json.NewEncoder(cmd.OutOrStdout()).Encode(routes)
		}
		return PrintRoutes(cmd.OutOrStdout(), routes)
	}
	return cmd
}

// silentError says that nothing answers at the stack's address.
type silentError struct{ err error }

func (e *silentError) Error() string { return e.err.Error() }
func (e *silentError) Unwrap() error { return e.err }

// Mend is the hint shown with the error.
func (e *silentError) Mend() string { return "is the stack running? start it with: axion" }

func fetchRoutes(cmd *cobra.Command, address string) ([]Route, error) {
	req, err := http.NewRequestWithContext(cmd.Context(), http.MethodGet, address+"/api/routes", nil)
	if err != nil {
		return nil, err
	}
	client := &http.Client{Timeout: 10 * time.Second}
	res, err := client.Do(req)
	if err != nil {
		return nil, &silentError{err}
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %s", req.URL, res.Status)
	}
	var body struct {
		Items []Route `json:"items"`
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, maxAnswer)).Decode(&body); err != nil {
		return nil, err
	}
	return body.Items, nil
}
