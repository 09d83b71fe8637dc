package trust

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/spf13/cobra"
)

// Check is one finding of `axion doctor`.
type Check struct {
	Name string `json:"name"`
	// State is ok, note, warning or failed. Only what is essential fails.
	State  string `json:"state"`
	Detail string `json:"detail"`
	Fix    string `json:"fix,omitempty"`
}

// States of a [Check], beside failed.
const (
	fine    = "ok"
	note    = "note" // does not apply here
	warning = "warning"
)

func doctorCommand(machine func() *machine, rootFile func() (string, error), stack func() (Stack, error)) *cobra.Command {
	cmd := &cobra.Command{
		Use: "doctor", Short: "Check what HTTPS needs on this machine, and say how to fix it", Args: cobra.NoArgs,
		Long: "Check the local authority, which stores trust it, names, ports, the running stack, and whether other users are kept out of it.\n" +
			"The exit code is 1 if something essential is missing.",
	}
	asJSON := cmd.Flags().Bool("json", false, "print JSON")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		checks := examine(cmd.Context(), machine(), rootFile, stack)
		var err error
		if *asJSON {
			err = json.NewEncoder(cmd.OutOrStdout()).Encode(map[string]any{"ok": count(checks) == 0, "checks": checks})
		} else {
			printChecks(cmd.OutOrStdout(), checks)
		}
		if n := count(checks); n > 0 {
			err = errors.Join(err, &hintError{fmt.Sprintf("%d of %d checks failed", n, len(checks)), "each failed check says how to fix it"})
		}
		return err
	}
	return cmd
}

// examine runs all checks at once: some wait for tools.
func examine(ctx context.Context, m *machine, rootFile func() (string, error), stack func() (Stack, error)) []Check {
	file, err := rootFile()
	var r *root
	if err == nil {
		r, err = readRoot(file)
	}
	running, idle := stack()
	jobs := []func() []Check{
		func() []Check { return m.checkPorts(running) },
		func() []Check { return m.checkNames(ctx) },
		func() []Check { return []Check{m.checkUsers(running)} },
	}
	if err != nil {
		unread := Check{Name: "root", State: failed, Detail: err.Error(), Fix: "start axion once, or run axion trust, to have it made"}
		if m, ok := errors.AsType[interface {
			error
			Hint() string
		}](err); ok {
			unread.Fix = m.Hint()
		}
		jobs = append([]func() []Check{func() []Check { return []Check{unread} }}, jobs...)
	} else {
		jobs = append([]func() []Check{
			func() []Check { return checkRoot(r) },
			func() []Check { return m.checkStores(ctx, r) },
			func() []Check { return []Check{m.checkNode(ctx, r)} },
		}, jobs...)
		jobs = append(jobs, func() []Check { return checkStack(ctx, r, running, idle) })
	}
	found := make([][]Check, len(jobs))
	var wg sync.WaitGroup
	for i, job := range jobs {
		wg.Go(func() { found[i] = job() })
	}
	wg.Wait()
	var checks []Check
	for _, list := range found {
		checks = append(checks, list...)
	}
	return checks
}

func count(checks []Check) (failures int) {
	for _, c := range checks {
		if c.State == failed {
			failures++
		}
	}
	return failures
}

func printChecks(w io.Writer, checks []Check) {
	for _, c := range checks {
		fmt.Fprintf(w, "%-8s %-16s %s\n", c.State, c.Name, c.Detail)
		if c.Fix != "" {
			fmt.Fprintf(w, "         fix: %s\n", c.Fix)
		}
	}
}
