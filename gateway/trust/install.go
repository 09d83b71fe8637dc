package trust

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// Outcome is what became of one store.
type Outcome struct {
	Store string `json:"store"`
	Where string `json:"where,omitempty"`
	// State is one of trusted, added, absent, removed, rights and failed.
	State  string `json:"state"`
	Detail string `json:"detail"`
	Fix    string `json:"fix,omitempty"` // a command, or what else to do
}

// States of an [Outcome].
const (
	trusted = "trusted" // before already
	added   = "added"
	absent  = "absent" // before already
	removed = "removed"
	rights  = "rights" // the user may not; Fix is the command
	failed  = "failed"
)

// storesCommand does something to every store.
func storesCommand(machine func() *machine, rootFile func() (string, error), cmd *cobra.Command,
	do func(context.Context, store, *root) Outcome) *cobra.Command {
	cmd.Args = cobra.NoArgs
	asJSON := cmd.Flags().Bool("json", false, "print JSON")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		m := machine()
		if user := m.env("SUDO_USER"); user != "" && user != "root" && m.admin {
			return &hintError{"sudo makes this the authority of root, not that of " + user,
				"run it as yourself, without sudo: it prints the commands that need more rights"}
		}
		file, err := rootFile()
		if err != nil {
			return fmt.Errorf("find the local authority: %w", err)
		}
		r, err := readRoot(file)
		if err != nil {
			return err
		}
		list, outcomes := m.stores()
		for _, s := range list {
			outcomes = append(outcomes, do(cmd.Context(), s, r))
		}
		if *asJSON {
			err = json.NewEncoder(cmd.OutOrStdout()).Encode(map[string]any{"root": r.file, "name": r.name(), "stores": outcomes})
		} else {
			printOutcomes(cmd.OutOrStdout(), outcomes)
		}
		return errors.Join(err, undone(outcomes))
	}
	return cmd
}

// install has a store trust the root, and looks whether it then does.
func install(ctx context.Context, s store, r *root) Outcome {
	o := newOutcome(s)
	if ok, err := s.trusts(ctx, r); ok {
		return o.is(trusted, "trusts the local authority already")
	} else if err != nil {
		return o.fails(err)
	}
	if err := s.add(ctx, r); err != nil {
		return o.fails(err)
	}
	if ok, err := s.trusts(ctx, r); err != nil {
		return o.fails(err)
	} else if !ok {
		return o.is(failed, "was given the root, and still does not trust it")
	}
	return o.is(added, "trusts the local authority now")
}

// uninstall removes the root from a store, and looks whether it is gone.
func uninstall(ctx context.Context, s store, r *root) Outcome {
	o := newOutcome(s)
	there, err := s.has(ctx, r)
	if err == nil && !there {
		there, err = s.trusts(ctx, r) // such as a bundle that was not made anew
	}
	if err != nil {
		return o.fails(err)
	}
	if !there {
		return o.is(absent, "does not have the local authority")
	}
	if err := s.remove(ctx, r); err != nil {
		return o.fails(err)
	}
	if there, err = s.trusts(ctx, r); err != nil {
		return o.fails(err)
	} else if there {
		return o.is(failed, "still trusts the root")
	}
	return o.is(removed, "does not trust the local authority any more")
}

func newOutcome(s store) Outcome {
	name, where := s.place()
	return Outcome{Store: name, Where: where}
}

func (o Outcome) is(state, detail string) Outcome {
	o.State, o.Detail = state, detail
	return o
}

func (o Outcome) fails(err error) Outcome {
	o.State, o.Detail = failed, err.Error()
	if _, ok := errors.AsType[*rightsError](err); ok {
		o.State = rights
	}
	var m interface{ Hint() string }
	if errors.As(err, &m) {
		o.Fix = m.Hint()
	}
	return o
}

func printOutcomes(w io.Writer, outcomes []Outcome) {
	if len(outcomes) == 0 {
		fmt.Fprintln(w, "no store of authorities was found")
	}
	for _, o := range outcomes {
		fmt.Fprintf(w, "%-8s %-9s %s", o.State, o.Store, o.Detail)
		if o.Where != "" {
			fmt.Fprintf(w, "  (%s)", o.Where)
		}
		fmt.Fprintln(w)
		if o.State == rights {
			fmt.Fprintf(w, "         run: %s\n", o.Fix)
		} else if o.Fix != "" {
			fmt.Fprintf(w, "         fix: %s\n", o.Fix)
		}
	}
}

// undone is an error that names the stores which are not as asked, or nil.
func undone(outcomes []Outcome) error {
	var names []string
	for _, o := range outcomes {
		if o.State == failed || o.State == rights {
			names = append(names, o.Store)
		}
	}
	if len(names) == 0 {
		return nil
	}
	return &hintError{"not done in every store: " + strings.Join(names, ", "), "do what is said above, then run this again"}
}
