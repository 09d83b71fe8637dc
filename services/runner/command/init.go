package command

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v4"

	"axion/services/compose"
)

// proposal is what `axion init` says of a service.
type proposal struct {
	Service   string       `json:"service"`
	Provider  string       `json:"provider"`
	Reason    string       `json:"reason"`
	Command   compose.Argv `json:"command,omitempty"` // that is proposed
	From      string       `json:"from,omitempty"`    // the file that suggests it
	Directory string       `json:"directory,omitempty"`
	Needs     string       `json:"needs,omitempty"`
	Hint      string       `json:"hint,omitempty"`
}

func initCommand(s Stack) *cobra.Command {
	cmd := &cobra.Command{
		Use: "init", Short: "Say who provides each service of the compose file, and propose commands for those without one", Args: cobra.NoArgs,
		Long: "Say who provides each service of the compose file and why, before anything runs, and propose a command for those that are\n" +
			"built and say none: what the folder of the build suggests. On a terminal it asks for each, and writes the commands that\n" +
			"are accepted into " + compose.PersonalFile + " beside the compose file, which stays as it is. Elsewhere nothing is\n" +
			"written, but with --yes.",
	}
	yes := cmd.Flags().BoolP("yes", "y", false, "accept all that is proposed")
	asJSON := cmd.Flags().Bool("json", false, "print JSON, and ask nothing")
	profiles := cmd.Flags().StringArray("profile", nil, "with the services of this `PROFILE`; may be repeated")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		project, err := s.read(cmd.Context(), *profiles)
		if err != nil {
			return err
		}
		for _, p := range project.Problems {
			fmt.Fprintf(cmd.ErrOrStderr(), "%s:%d: %s: %s\n", p.File, p.Line, p.Service, p.Message)
			if p.Hint != "" {
				fmt.Fprintln(cmd.ErrOrStderr(), "  hint:", p.Hint)
			}
		}
		i := initialization{dir: project.Dir, all: proposals(project), out: cmd.OutOrStdout()}
		interactive := !*yes && !*asJSON && isTerminal(i.out) && isTerminal(cmd.InOrStdin())
		if *asJSON {
			err = json.NewEncoder(i.out).Encode(i.all)
			i.out = io.Discard
		} else {
			err = i.print()
		}
		if err != nil {
			return err
		}
		return i.write(i.accepted(*yes, interactive, cmd.InOrStdin()))
	}
	return cmd
}

// initialization is one call of `axion init`.
type initialization struct {
	dir string
	all []proposal
	out io.Writer
}

// proposals lists the services of a project in start order.
func proposals(project *compose.Project) []proposal {
	all := []proposal{}
	for _, s := range project.Services {
		p := proposal{Service: s.Name, Provider: string(s.Provider), Reason: s.Reason}
		if s.Proposal != nil {
			p.Command, p.From, p.Directory = s.Proposal.Argv, s.Proposal.From, s.Dir
			if rel, err := filepath.Rel(project.Dir, s.Dir); err == nil {
				p.Directory = rel
			}
		}
		if err := s.Needs(); err != nil {
			p.Needs = err.Error()
			if with, ok := errors.AsType[hinter](err); ok && p.Command == nil {
				p.Hint = with.Hint()
			}
		}
		all = append(all, p)
	}
	return all
}

// hinter is an error that says how to mend what it is about.
type hinter interface {
	error
	Hint() string
}

func (i *initialization) print() error {
	var b strings.Builder
	width := 0
	for _, p := range i.all {
		width = max(width, len(p.Service))
	}
	for _, p := range i.all {
		fmt.Fprintf(&b, "%-*s  %s: %s\n", width, printable(p.Service), p.Provider, printable(p.Reason))
		indent := strings.Repeat(" ", width+2)
		switch {
		case p.Command != nil:
			fmt.Fprintf(&b, "%sproposed: %s, in %s (%s)\n", indent, shown(p.Command), printable(p.Directory), printable(p.From))
		case p.Hint != "":
			fmt.Fprintf(&b, "%s%s\n%shint: %s\n", indent, printable(p.Needs), indent, printable(p.Hint))
		}
	}
	_, err := io.WriteString(i.out, b.String())
	return err
}

// shown is a command as a person writes it.
func shown(argv compose.Argv) string {
	if argv.NeedsShell() {
		argv = argv[len(argv)-1:]
	}
	return printable(strings.Join(argv, " "))
}

// accepted asks for each proposal, or takes all of them.
func (i *initialization) accepted(all, ask bool, in io.Reader) []proposal {
	proposed := slices.DeleteFunc(slices.Clone(i.all), func(p proposal) bool { return p.Command == nil })
	switch {
	case len(proposed) == 0 || all:
		return proposed
	case !ask:
		fmt.Fprintf(i.out, "\nNothing was written: axion init --yes writes what is proposed into %s, axion up --yes takes it once.\n",
			compose.PersonalFile)
		return nil
	}
	var accepted []proposal
	lines := bufio.NewScanner(in)
	for _, p := range proposed {
		fmt.Fprintf(i.out, "%s: run %q in %s? [y/N] ", printable(p.Service), shown(p.Command), printable(p.Directory))
		if !lines.Scan() {
			fmt.Fprintln(i.out)
			return nil // its end is no yes
		}
		if answer := strings.ToLower(strings.TrimSpace(lines.Text())); answer == "y" || answer == "yes" {
			accepted = append(accepted, p)
		}
	}
	return accepted
}

// write adds commands to the personal file. What it has else stays, comments too.
func (i *initialization) write(accepted []proposal) error {
	if len(accepted) == 0 {
		return nil
	}
	path := filepath.Join(i.dir, compose.PersonalFile)
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if text, err = addCommands(text, accepted); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := os.WriteFile(path+".tmp", text, 0o644); err != nil { //nolint:gosec // as source files are
		return err
	}
	if err := os.Rename(path+".tmp", path); err != nil {
		return err
	}
	names := make([]string, len(accepted))
	for n, p := range accepted {
		names[n] = p.Service
	}
	_, err = fmt.Fprintf(i.out, "wrote %s: %s\n", path, strings.Join(names, ", "))
	return err
}

// addCommands adds the commands of services to a personal file.
func addCommands(text []byte, accepted []proposal) ([]byte, error) {
	var document yaml.Node
	var out bytes.Buffer
	if err := yaml.Unmarshal(text, &document); err != nil {
		return nil, err
	}
	if document.Kind == 0 { // comments alone are no document
		document = yaml.Node{Kind: yaml.DocumentNode, Content: []*yaml.Node{{Kind: yaml.MappingNode}}}
		if out.Write(text); len(text) == 0 {
			out.WriteString("# How axion runs services of the compose file beside it.\n")
		} else if !bytes.HasSuffix(text, []byte("\n")) {
			out.WriteByte('\n')
		}
	}
	services, err := member(document.Content[0], "services")
	if err != nil {
		return nil, err
	}
	for _, p := range accepted {
		service, err := member(services, p.Service)
		if err != nil {
			return nil, err
		}
		command := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
		for _, argument := range p.Command {
			word := new(yaml.Node)
			word.SetString(argument)
			command.Content = append(command.Content, word)
		}
		service.Content = append(service.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: "command"}, command)
	}
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := errors.Join(encoder.Encode(&document), encoder.Close()); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// member is the mapping at a key of another, which is made where it is missing.
func member(mapping *yaml.Node, key string) (*yaml.Node, error) {
	if mapping.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("line %d: is no mapping", mapping.Line)
	}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value != key {
			continue
		}
		value := mapping.Content[i+1]
		if value.Tag == "!!null" {
			*value = yaml.Node{Kind: yaml.MappingNode}
		}
		if value.Kind != yaml.MappingNode {
			return nil, fmt.Errorf("line %d: %s is no mapping", value.Line, key)
		}
		return value, nil
	}
	name := new(yaml.Node)
	name.SetString(key)
	value := &yaml.Node{Kind: yaml.MappingNode}
	mapping.Content = append(mapping.Content, name, value)
	return value, nil
}
