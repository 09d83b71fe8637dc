// Package commandline helps with the command line: it names the nearest of what a person may have
// meant, and completes names of the running stack.
package commandline

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// unknownError is about a word that there is no command or flag for.
type unknownError struct{ message, hint string }

func (e *unknownError) Error() string { return e.message }

// Hint is the hint shown with the error.
func (e *unknownError) Hint() string { return e.hint }

// Options say what the commands are helped with.
type Options struct {
	// Version is the program's.
	Version string
	// Nearest returns the known word that one was probably meant to be, or "".
	Nearest func(word string, known []string) string
	Stack   Stack
}

// Setup completes root and all commands below it: [Suggest], [Complete], and --version, which prints
// what the command version does. Call it once all commands are added.
func Setup(root *cobra.Command, o Options) {
	root.Version = o.Version
	root.SetVersionTemplate("{{.Name}} {{.Version}}\n")
	Suggest(root, o.Nearest)
	Complete(root, o.Stack)
}

// Suggest gives the errors about unknown commands and flags of root, and of all below it, a hint:
// the nearest that there is, else where all of them are listed.
func Suggest(root *cobra.Command, nearest func(word string, known []string) string) {
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return flagError(cmd, err, nearest) })
	walk(root, func(cmd *cobra.Command) {
		if !cmd.HasSubCommands() {
			return
		}
		if !cmd.Runnable() {
			cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
		}
		check := cmd.Args
		if check == nil {
			check = cobra.NoArgs
		}
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			err := check(cmd, args)
			if err == nil || len(args) == 0 {
				return err
			}
			return commandError(cmd, args[0], nearest)
		}
	})
}

// walk calls a function with a command and all below it.
func walk(cmd *cobra.Command, do func(*cobra.Command)) {
	do(cmd)
	for _, below := range cmd.Commands() {
		walk(below, do)
	}
}

func commandError(cmd *cobra.Command, word string, nearest func(string, []string) string) error {
	var known []string
	for _, c := range cmd.Commands() {
		if !c.Hidden {
			known = append(append(known, c.Name()), c.Aliases...)
		}
	}
	hint := cmd.CommandPath() + " --help lists the commands"
	if near := nearest(word, known); near != "" {
		hint = fmt.Sprintf("did you mean %s %s?", cmd.CommandPath(), near)
	}
	return &unknownError{fmt.Sprintf("there is no command %q", cmd.CommandPath()+" "+word), hint}
}

func flagError(cmd *cobra.Command, err error, nearest func(string, []string) string) error {
	unknown, ok := errors.AsType[*pflag.NotExistError](err)
	hint := cmd.CommandPath() + " --help lists the flags"
	if _, hinted := errors.AsType[interface {
		error
		Hint() string
	}](err); hinted {
		return err
	}
	if !ok {
		return &unknownError{err.Error(), hint}
	}
	var known []string
	add := func(f *pflag.Flag) {
		if !f.Hidden {
			known = append(known, f.Name)
		}
	}
	cmd.LocalFlags().VisitAll(add)
	cmd.InheritedFlags().VisitAll(add)
	name := unknown.GetSpecifiedName()
	if near := nearest(name, known); near != "" && len(name) > 1 {
		hint = fmt.Sprintf("did you mean --%s?", near)
	}
	return &unknownError{err.Error(), hint}
}
