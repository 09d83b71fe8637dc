// Package command has the commands of `axion` about the services of the compose file:
// they ask the running stack, over its dashboard's API.
package command

import (
	"log/slog"
	"net"

	"github.com/spf13/cobra"

	"axion/services/datadir"
	"axion/web/summary"
)

// Stack is what the commands know of the stack. All is required but where it says otherwise.
type Stack struct {
	// Dir is the data directory of the stack that is meant. Files are what its flag --file
	// names, once a command runs, and ComposeFiles those of files that hold services.
	Dir          func() string
	Files        *[]string
	ComposeFiles func(files []string) []string
	// Check looks at a connection to the stack before anything is sent: its error is the
	// request's. Nil lets every one be.
	Check func(net.Conn) error
	// Replacement returns the environment of a process in a builtin's place, by name, of the
	// stack on a data directory, whose Kafka has an address.
	Replacement func(dir, kafka string) (map[string]string, error)
	// Log takes what a command has to say while another program runs.
	Log *slog.Logger
}

// All are the commands about services.
func All(s Stack) []*cobra.Command {
	return []*cobra.Command{
		psCommand(s), logsCommand(s), envCommand(s), runCommand(s), execCommand(s), downCommand(s), initCommand(s), fetchCommand(s),
		actCommand(s, "start", "Start services that are stopped, have failed or are complete"),
		actCommand(s, "stop", "Stop services until they are started again"),
		actCommand(s, "restart", "Stop services and start them again"),
	}
}

// running finds the running stack; its errors say why there is none.
func (s Stack) running() (summary.Summary, error) { return s.load(s.Dir()) }

// load finds the stack that runs on a data directory.
func (s Stack) load(dir string) (summary.Summary, error) { return summary.Load(dir, datadir.Held) }

// open opens a client of the running stack.
func (s Stack) open() (*client, error) {
	running, err := s.running()
	if err != nil {
		return nil, err
	}
	return newClient(running, s.Check), nil
}

// hintError is an error that says how to mend what it is about.
type hintError struct {
	error
	hint string
}

// Hint is the hint shown with the error.
func (e hintError) Hint() string  { return e.hint }
func (e hintError) Unwrap() error { return e.error }
