package docs

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
)

// Command is `docs`: it lists the topics, or prints one of them.
func (d *Docs) Command() *cobra.Command {
	return &cobra.Command{
		Use: "docs [TOPIC]", Short: "Show the documentation", Args: cobra.MaximumNArgs(1), ValidArgs: order,
		Long:    "List the topics of the documentation, or print one as Markdown. The dashboard's Docs page shows the same.",
		Example: "  axion docs\n  axion docs nestjs | less",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return d.list(cmd)
			}
			text, err := d.Text(args[0])
			if err != nil {
				return err
			}
			_, err = fmt.Fprint(cmd.OutOrStdout(), text)
			return err
		},
	}
}

func (d *Docs) list(cmd *cobra.Command) error {
	topics, err := d.Topics()
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	for _, t := range topics {
		fmt.Fprintf(w, "%s\t%s\n", t.Name, t.Title)
	}
	return w.Flush()
}

// describe is the command line below root in Markdown: each command with its use, flags
// and examples.
func describe(root *cobra.Command) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Command line\n\n`%s` alone is `%[1]s up`; `go run .` in a clone stands for it. All commands take\n\n%s\n",
		root.Name(), indent(root.PersistentFlags().FlagUsages()))
	write(&b, root)
	return b.String()
}

// write adds the commands below parent, each with the flags that are its own.
func write(b *strings.Builder, parent *cobra.Command) {
	for _, cmd := range parent.Commands() {
		if cmd.Hidden || cmd.Name() == "help" {
			continue
		}
		text := cmd.Long
		if text == "" {
			text = cmd.Short + "."
		}
		fmt.Fprintf(b, "\n## %s\n\n%s\n\n    %s\n", cmd.CommandPath(), strings.TrimSpace(text), cmd.UseLine())
		if cmd.Example != "" {
			fmt.Fprintf(b, "\nExamples:\n\n%s\n", indent(cmd.Example))
		}
		if flags := cmd.LocalFlags().FlagUsages(); flags != "" {
			fmt.Fprintf(b, "\n%s\n", indent(flags))
		}
		write(b, cmd)
	}
}

// indent has each line begin with four spaces more than the least indented one has.
func indent(text string) string {
	least := len(text)
	lines := strings.Split(strings.Trim(text, "\n"), "\n")
	for _, line := range lines {
		if strings.TrimSpace(line) != "" {
			least = min(least, len(line)-len(strings.TrimLeft(line, " ")))
		}
	}
	for i, line := range lines {
		lines[i] = strings.TrimRight("    "+line[min(least, len(line)):], " ")
	}
	return strings.Join(lines, "\n")
}
