package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"axion/services/backing/postgres"
	"axion/services/compose"
)

func fetchCommand(s Stack) *cobra.Command {
	cmd := &cobra.Command{
		Use: "fetch", Short: "Fetch the PostgreSQL that the compose file needs, for a start without a network", Args: cobra.NoArgs,
		Long: "Fetch the programs of each major version of PostgreSQL that the services of the compose file ask for, where this machine\n" +
			"has none, from Maven's central repository into the user's cache directory. axion up does so by itself when it needs one.",
	}
	majors := cmd.Flags().IntSlice("postgres", nil, "fetch this major `VERSION`, in place of what the compose file asks for; may be repeated")
	profiles := cmd.Flags().StringArray("profile", nil, "with the services of this `PROFILE`; may be repeated")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if !cmd.Flags().Changed("postgres") {
			project, err := s.read(cmd.Context(), *profiles)
			if err != nil {
				return err
			}
			for _, service := range project.Services {
				if service.Kind == compose.Postgres {
					*majors = append(*majors, service.Major())
				}
			}
			if len(*majors) == 0 {
				_, err := fmt.Fprintln(cmd.OutOrStdout(), "the compose file asks for no PostgreSQL: there is nothing to fetch")
				return err
			}
		}
		slices.Sort(*majors)
		var failed []error
		for _, major := range slices.Compact(*majors) {
			failed = append(failed, fetch(cmd.Context(), postgres.UserBinaries(), major, cmd.OutOrStdout()))
		}
		return errors.Join(failed...)
	}
	return cmd
}

// fetch finds or fetches a major version, and says where it is. 0 is any.
func fetch(ctx context.Context, b postgres.Binaries, major int, out io.Writer) error {
	what, fetched, terminal := "PostgreSQL", int64(0), isTerminal(out)
	if major != 0 {
		what = fmt.Sprintf("PostgreSQL %d", major)
	}
	b.Progress = func(done, total int64) {
		fetched = done
		if terminal {
			of := ""
			if total > 0 {
				of = " of " + humanize.Bytes(uint64(total))
			}
			fmt.Fprintf(out, "\r\x1b[K%s: %s%s", what, humanize.Bytes(uint64(done)), of)
		}
	}
	found, err := b.Find(ctx, major)
	if terminal && fetched > 0 {
		fmt.Fprint(out, "\r\x1b[K")
	}
	if err == nil {
		err = found.Instead
	}
	if err != nil {
		return hintError{
			fmt.Errorf("%s: %w", what, err), "fetch it with a network, install it, or ask for a version that can be had by --postgres",
		}
	}
	if fetched == 0 {
		_, err = fmt.Fprintf(out, "%s: is here already, %d in %s\n", what, found.Major, found.Dir)
		return err
	}
	_, err = fmt.Fprintf(out, "%s: fetched %s into %s\n", what, humanize.Bytes(uint64(fetched)), found.Dir)
	return err
}

// read reads the compose file.
func (s Stack) read(ctx context.Context, profiles []string) (*compose.Project, error) {
	files := s.ComposeFiles(*s.Files)
	if len(files) == 0 {
		return nil, hintError{errors.New("there is no compose file here"), "go where compose.yaml is, or name it with -f"}
	}
	return compose.Read(ctx, compose.Options{Files: files, Env: os.Environ(), Profiles: profiles})
}
