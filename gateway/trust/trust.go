// Package trust has the clients of this machine trust the local authority, and
// says what is in the way of HTTPS on it: `axion trust`, `untrust` and `doctor`.
//
// It drives the tools that own each store. It never asks for more rights than it
// was started with: where they do not suffice it prints the command that needs
// them, to be run by hand.
package trust

import (
	"context"
	"crypto/x509"

	"github.com/spf13/cobra"
)

// Stack is what is known of a running stack.
type Stack struct {
	// URLs are those that must answer; those of https over TLS by the authority.
	URLs []string
	// Ports are the TCP ports that it listens on.
	Ports []int
	// Own is where it listens beside the gateway's entrypoints, by what is there.
	Own map[string]string
}

// Commands are `axion trust`, `untrust` and `doctor`. They get the PEM file of the
// root's certificate from rootFile, which may have to make one first, and what
// runs from stack, whose error means that nothing does.
func Commands(rootFile func() (string, error), stack func() (Stack, error)) []*cobra.Command {
	return commands(thisMachine, rootFile, stack)
}

func commands(machine func() *machine, rootFile func() (string, error), stack func() (Stack, error)) []*cobra.Command {
	return []*cobra.Command{
		storesCommand(machine, rootFile, &cobra.Command{
			Use: "trust", Short: "Have this machine's clients trust the local authority",
			Long: "Install the local authority's root in the stores of the system, of Firefox and Chromium, and of Java.\n" +
				"The root can vouch for localhost names only. Nothing is run with more rights than you have:\n" +
				"where they do not suffice the command to run is printed.",
		}, install),
		storesCommand(machine, rootFile, &cobra.Command{
			Use: "untrust", Short: "Remove the local authority from this machine's stores",
		}, uninstall),
		doctorCommand(machine, rootFile, stack),
	}
}

// store is one that clients read authorities from.
type store interface {
	// place is what it is called, and where it is.
	place() (name, where string)
	// trusts reports whether clients of the store accept the root, by the word of
	// the tool that verifies for them.
	trusts(ctx context.Context, r *root) (bool, error)
	// has reports whether the root is in the store, trusted or not.
	has(ctx context.Context, r *root) (bool, error)
	add(ctx context.Context, r *root) error
	remove(ctx context.Context, r *root) error
}

// root is the authority's certificate.
type root struct {
	file string
	cert *x509.Certificate
}

// hintError is an error with its remedy.
type hintError struct{ text, hint string }

func (e *hintError) Error() string { return e.text }

// Hint is the hint shown with the error.
func (e *hintError) Hint() string { return e.hint }

// rightsError says that the user may not do it, and which command does.
type rightsError struct{ command string }

func (e *rightsError) Error() string { return "needs more rights than you have" }

// Hint is the command to run.
func (e *rightsError) Hint() string { return e.command }
