// Package command has the commands of `axion` about the services of the compose file:
// they ask the running stack, over its dashboard's API.
package command

import (
	"context"
	"net"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Running is the running stack, as far as the commands need it.
type Running struct {
	Dashboard string // the address of its API, "http://127.0.0.1:8900"
	Data      string // its data directory
	Instance  string // distinguishes this start of a stack from every other
	PID       int    // its process
}

// Stack is what the commands know of the stack. All functions are required but where
// they say otherwise.
type Stack struct {
	// Running returns the running stack; its errors say why there is none.
	Running func() (Running, error)
	// Check looks at a connection to the stack before anything is sent: its error is the
	// request's. Nil lets every one be.
	Check func(net.Conn) error
	// Replacement returns the environment of a process in a builtin's place, by name.
	Replacement func() (map[string]string, error)
	// RegisterFiles adds the flag --file, which names the compose files, without its
	// shorthand: `logs -f` follows.
	RegisterFiles func(*pflag.FlagSet)
}

// All are the commands about services.
func All(s Stack) []*cobra.Command {
	return []*cobra.Command{
		psCommand(s), logsCommand(s), envCommand(s),
		actCommand(s, "start", "Start services that are stopped, have failed or are complete"),
		actCommand(s, "stop", "Stop services until they are started again"),
		actCommand(s, "restart", "Stop services and start them again"),
	}
}

// open finds the running stack.
func (s Stack) open(context.Context) (*client, error) {
	running, err := s.Running()
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
