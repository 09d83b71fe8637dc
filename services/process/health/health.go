// Package health runs the health checks of a compose file outside of containers: with the
// service's environment and addresses, and for tools that images bring along and this
// machine may lack, with checks of the same meaning.
package health

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"

	"axion/services/compose"
)

// Target is the service that is checked.
type Target struct {
	Dir string
	Env []string
	// Rewrite makes the addresses in a text those at which the service and others really
	// listen: "localhost:3000" of one that was given another port.
	Rewrite func(text string) string
	// Own is the "host:port" at which the service listens; "" where that is not known.
	Own string
	// Provided says that the service is not the program that the check was written for: its
	// check is done over the protocol, though the tool may be here.
	Provided bool
}

// Check says what is wrong, or nil.
type Check func(ctx context.Context) error

// New makes a check of a healthcheck's test. It is nil for NONE.
func New(test []string, t Target) (Check, error) {
	if len(test) == 0 {
		return nil, errors.New("healthcheck: test is empty")
	}
	var argv []string
	switch kind := test[0]; kind {
	case "NONE":
		return nil, nil
	case "CMD":
		argv = test[1:]
	case "CMD-SHELL":
		line := strings.Join(test[1:], " ")
		if simple, ok := simplify(line); ok {
			argv = simple
			break
		}
		return t.run(func() ([]string, error) { return compose.Shell(t.Rewrite(line)), nil }), nil
	default:
		return nil, fmt.Errorf("healthcheck: test begins with %q, want NONE, CMD or CMD-SHELL", kind)
	}
	if len(argv) == 0 {
		return nil, errors.New("healthcheck: test has no command")
	}
	return t.check(argv), nil
}

// simplify is a shell's line as a command, if it is one: what many write behind it, "||
// exit 1", changes nothing.
func simplify(line string) ([]string, bool) {
	if before, after, ok := strings.Cut(line, "||"); ok && (strings.TrimSpace(after) == "exit 1" || strings.TrimSpace(after) == "false") {
		line = before
	}
	line = strings.TrimPrefix(strings.TrimSpace(line), "exec ")
	for _, quiet := range []string{"2>&1", "&>/dev/null", "&> /dev/null", ">/dev/null", "> /dev/null"} {
		line = strings.TrimSuffix(strings.TrimSpace(line), quiet)
	}
	argv, err := compose.ParseCommand(strings.TrimSpace(line))
	if err != nil || len(argv) == 0 || argv.NeedsShell() {
		return nil, false
	}
	return argv, true
}

// check runs a command, or what stands in for it.
func (t Target) check(argv []string) Check {
	name := strings.TrimSuffix(filepath.Base(argv[0]), ".sh")
	standIn, known := standIns[name]
	return func(ctx context.Context) error {
		if _, err := exec.LookPath(argv[0]); known && (err != nil || t.Provided) {
			args := make([]string, 0, len(argv))
			for _, arg := range argv[1:] {
				args = append(args, t.Rewrite(arg))
			}
			return standIn(ctx, t, args)
		}
		return t.run(func() ([]string, error) {
			out := []string{argv[0]}
			for _, arg := range argv[1:] {
				out = append(out, t.Rewrite(arg))
			}
			return out, nil
		})(ctx)
	}
}

// run runs a command as the service would.
func (t Target) run(command func() ([]string, error)) Check {
	return func(ctx context.Context) error {
		argv, err := command()
		if err != nil {
			return err
		}
		cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
		cmd.Dir, cmd.Env = t.Dir, t.Env
		out, err := cmd.CombinedOutput()
		if ctx.Err() != nil {
			return errors.New("the check is not done in time")
		}
		if err != nil {
			return fmt.Errorf("%s: %w%s", argv[0], err, lastLine(out))
		}
		return nil
	}
}

func lastLine(out []byte) string {
	out = bytes.TrimSpace(out)
	if len(out) == 0 {
		return ""
	}
	return ": " + string(out[bytes.LastIndexByte(out, '\n')+1:])
}
