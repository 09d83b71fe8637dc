package command

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/dustin/go-humanize/english"
	"github.com/spf13/cobra"

	"axion/gateway/config"
	"axion/gateway/provider"
)

// errProblems ends `axion check` with exit code 1; the problems are printed.
var errProblems = errors.New("the files have problems")

func checkCommand(sources func() (base []provider.Source, files []string), own func() map[string]string) *cobra.Command {
	cmd := &cobra.Command{Use: "check", Short: "Tell what is wrong with compose files and their labels", Args: cobra.NoArgs,
		Long: `Tell what is wrong or doubtful about compose files, their labels and files of
dynamic configuration, without starting anything.

The exit code is 0 where all is well or there are notices only, 1 where there are
warnings or errors, and 2 where there was nothing to check.`}
	asJSON := cmd.Flags().Bool("json", false, "print JSON")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		base, files := sources()
		problems, count, err := []config.Problem(nil), provider.Count{}, unreadable(files)
		if err == nil {
			var listening map[string]string
			if own != nil {
				listening = own()
			}
			problems, count, err = checkFiles(base, files, listening)
		}
		if err == nil && len(problems) == 0 {
			err = nothing(files, count)
		}
		if err != nil && !*asJSON {
			return err
		}
		if err := printCheck(cmd.OutOrStdout(), problems, count, err, *asJSON); err != nil {
			return fmt.Errorf("print problems: %w", err)
		}
		if err == nil && slices.ContainsFunc(problems, func(p config.Problem) bool { return p.Severity != config.Notice }) {
			return errProblems
		}
		return err
	}
	return cmd
}

// unreadable is the error about the first file that there is nothing to read of.
func unreadable(files []string) error {
	for _, name := range files {
		info, err := os.Stat(name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return &nothingError{name + ": there is no such file", "check the name"}
		case err == nil && info.IsDir():
			continue
		case err == nil && !info.Mode().IsRegular():
			return &nothingError{name + ": it is not a regular file", "name a compose file"}
		}
		data, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrPermission) {
			return &nothingError{name + ": the file may not be read by this user", "change its permissions"}
		}
		if err != nil {
			return &nothingError{name + ": the file cannot be read", "check the name"}
		}
		if blank(data) {
			return &nothingError{name + ": the file is empty", "a compose file has services:"}
		}
	}
	return nil
}

// blank reports whether a file holds nothing but comments.
func blank(data []byte) bool {
	for line := range bytes.Lines(bytes.TrimPrefix(data, []byte("\ufeff"))) {
		if line = bytes.TrimSpace(line); len(line) > 0 && line[0] != '#' && string(line) != "---" {
			return false
		}
	}
	return true
}

func printCheck(w io.Writer, problems []config.Problem, count provider.Count, failed error, asJSON bool) error {
	if asJSON {
		body := map[string]any{"items": append([]config.Problem{}, problems...), "services": count.Services, "settings": count.Settings}
		if failed != nil {
			body["error"] = failed.Error()
		}
		return json.NewEncoder(w).Encode(body)
	}
	var b strings.Builder
	for _, p := range problems {
		severity, _ := p.Severity.MarshalText()
		fmt.Fprintf(&b, "%s: %s\n", severity, p.Error())
		if p.Fix != "" {
			fmt.Fprintf(&b, "  hint: %s\n", p.Fix)
		}
	}
	if len(problems) == 0 {
		fmt.Fprintln(&b, "no problems in "+counted(count))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// counted says how much was looked at.
func counted(c provider.Count) string {
	var parts []string
	if c.Services > 0 {
		labelled := fmt.Sprintf("%d of them with labels of Traefik's", c.Labelled)
		if c.Labelled == 0 {
			labelled = "none of them with a label of Traefik's"
		}
		parts = append(parts, english.Plural(c.Services, "service", "")+", "+labelled)
	}
	if c.Settings > 0 {
		parts = append(parts, english.Plural(c.Settings, "definition", "")+" of dynamic configuration")
	}
	return strings.Join(parts, ", and ")
}

func joined(files []string) string { return strings.Join(files, ", ") }
