package gateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"axion/gateway/cert"
	"axion/gateway/config"
	"axion/gateway/observe"
	"axion/gateway/provider"
	"axion/gateway/selfaddr"
)

// Check tells everything that is wrong or doubtful about compose files, without
// starting anything. Base is the layer below them, whose own problems are left
// out. What keeps the files from being read at all is a problem too, or an error
// where it is not the files' fault.
func Check(base []provider.Source, files []string) ([]config.Problem, error) {
	return check(base, files, nil)
}

// usual are the addresses of a stack that no flag moved, but for those that move by
// themselves where somebody else has them.
var usual = map[string]string{"dashboard": "localhost:8900", "Kafka broker": "localhost:9092"}

// check is Check for a stack that listens at these addresses, by what is there.
func check(base []provider.Source, files []string, listening map[string]string) ([]config.Problem, error) {
	p, err := provider.New(provider.Options{Base: base, Files: files})
	if problem, ok := errors.AsType[config.Problem](err); ok {
		return []config.Problem{problem}, nil
	}
	if err != nil {
		return nil, err
	}
	g := &Gateway{log: slog.New(slog.DiscardHandler), observer: observe.New(observe.Options{})}
	g.internals = g.newInternals()
	if len(listening) == 0 {
		listening = usual
	}
	for name, address := range listening {
		g.own.add(selfaddr.Parse(name, address))
	}
	g.own.private = slices.DeleteFunc(slices.Clone(g.own.fixed), func(l selfaddr.Listener) bool {
		return strings.HasPrefix(l.Name, entryName)
	})
	b := newBuilder(g, p.Dynamic(), nil)
	b.dry = true
	b.routers()
	b.review()
	b.problems = append(b.problems, cert.Check(b.tlsSettings())...)
	return slices.DeleteFunc(slices.Concat(p.Problems(), b.problems), func(p config.Problem) bool {
		return slices.ContainsFunc(base, func(s provider.Source) bool { return s.Name == p.File })
	}), nil
}

// errProblems ends `axion check` with exit code 1; the problems are printed.
var errProblems = errors.New("the files have problems")

func checkCommand(sources func() (base []provider.Source, files []string), own func() map[string]string) *cobra.Command {
	cmd := &cobra.Command{Use: "check", Short: "Tell what is wrong with compose files and their labels", Args: cobra.NoArgs}
	asJSON := cmd.Flags().Bool("json", false, "print JSON")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		base, files := sources()
		var listening map[string]string
		if own != nil {
			listening = own()
		}
		problems, err := check(base, files, listening)
		if err != nil {
			return err
		}
		if *asJSON {
			err = json.NewEncoder(cmd.OutOrStdout()).Encode(map[string]any{"items": append([]config.Problem{}, problems...)})
		} else {
			err = printProblems(cmd.OutOrStdout(), files, problems)
		}
		if err != nil {
			return fmt.Errorf("print problems: %w", err)
		}
		if slices.ContainsFunc(problems, func(p config.Problem) bool { return p.Severity != config.Notice }) {
			return errProblems
		}
		return nil
	}
	return cmd
}

func printProblems(w io.Writer, files []string, problems []config.Problem) error {
	for _, p := range problems {
		severity, _ := p.Severity.MarshalText()
		if _, err := fmt.Fprintf(w, "%s: %s\n", severity, p.Error()); err != nil {
			return err
		}
		if p.Hint == "" {
			continue
		}
		if _, err := fmt.Fprintf(w, "  hint: %s\n", p.Hint); err != nil {
			return err
		}
	}
	if len(problems) > 0 {
		return nil
	}
	what := "no compose file to check"
	if len(files) > 0 {
		what = "no problems"
	}
	_, err := fmt.Fprintln(w, what)
	return err
}
