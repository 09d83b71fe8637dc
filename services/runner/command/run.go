package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"axion/services/replacement"
	"axion/services/runner/publish"
	"axion/web/summary"
)

// runOptions are what one call of run or exec asks for.
type runOptions struct {
	service, name string
	inDirectory   bool // of the service
	argv          []string
	in            io.Reader
	out, err      io.Writer
}

func runCommand(s Stack) *cobra.Command {
	var o runOptions
	cmd := &cobra.Command{
		Use: "run [flags] -- COMMAND [ARG...]", Short: "Run a command in the environment of the stack's services", Args: cobra.MinimumNArgs(1),
		Long: "Run a command with the variables that every service of the running stack gets: where Kafka, the dashboard and the\n" +
			"receiver of telemetry are, and the local authority. PORT is a free port. With --service it gets all that this service\n" +
			"gets, PORT too. With --name requests for https://NAME.localhost lead to it at PORT until it ends, however it does.\n\n" +
			"The exit code is the command's, and signals are passed on to it. Where no stack runs, one is started that keeps\n" +
			"nothing, the services of the compose file with it, and ended after the command.",
		Example: "  axion run -- npm test\n  axion run --name shop -- npm run dev\n  axion run --service orders -- node main.js",
	}
	cmd.Flags().SetInterspersed(false) // the flags behind belong to the command
	cmd.Flags().StringVar(&o.service, "service", "", "run it in the environment of `SERVICE`")
	cmd.Flags().StringVar(&o.name, "name", "", "route `NAME`.localhost to it")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		o.argv, o.in, o.out, o.err = args, cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr()
		return s.run(cmd.Context(), o)
	}
	return cmd
}

func execCommand(s Stack) *cobra.Command {
	cmd := &cobra.Command{
		Use: "exec SERVICE -- COMMAND [ARG...]", Short: "Run a command in the environment of a service, as axion run --service does",
		Args: cobra.MinimumNArgs(2), Example: "  axion exec orders -- node migrate.js",
	}
	cmd.Flags().SetInterspersed(false)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		argv := args[1:]
		if argv[0] == "--" {
			argv = argv[1:]
		}
		if len(argv) == 0 {
			return errors.New("there is no command to run")
		}
		return s.run(cmd.Context(), runOptions{
			service: args[0], inDirectory: true, argv: argv, in: cmd.InOrStdin(), out: cmd.OutOrStdout(), err: cmd.ErrOrStderr(),
		})
	}
	return cmd
}

// run runs a command beside the stack, which it starts where none runs.
func (s Stack) run(ctx context.Context, o runOptions) (err error) {
	if o.name != "" {
		if err := publish.Check(o.name); err != nil {
			return fmt.Errorf("--name: %w", err)
		}
	}
	program, err := "", error(nil)
	if !o.inDirectory {
		if program, err = find("", o.argv[0]); err != nil {
			return err
		}
	}
	running, err := s.running()
	if _, none := errors.AsType[*summary.NotRunningError](err); none {
		var end func() error
		if running, end, err = s.startEphemeral(ctx, o.err); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, end()) }()
	}
	if err != nil {
		return err
	}
	dir := ""
	if o.inDirectory {
		if dir, err = s.directory(ctx, running, o.service); err != nil {
			return err
		}
		if program, err = find(dir, o.argv[0]); err != nil {
			return err
		}
	}
	env, port, err := s.runEnvironment(ctx, running, o)
	if err != nil {
		return err
	}
	if o.name != "" {
		withdraw, err := s.publish(ctx, running, o, port)
		if err != nil {
			return fmt.Errorf("--name %s: %w", o.name, err)
		}
		defer withdraw()
	}
	cmd := exec.Command(program, o.argv[1:]...)
	cmd.Args[0], cmd.Dir = o.argv[0], dir
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = append(os.Environ(), env...), o.in, o.out, o.err
	return runToEnd(cmd)
}

// directory is where the commands of a service run; empty for this one's own.
func (s Stack) directory(ctx context.Context, running summary.Summary, service string) (string, error) {
	c := newClient(running, s.Check)
	if err := c.check(ctx, service); err != nil {
		return "", err
	}
	all, err := c.services(ctx)
	for _, s := range all {
		if s.Name == service {
			return s.Directory, err
		}
	}
	return "", err
}

// find finds a program for a directory, which may be empty, as a shell would: its exit codes
// are a shell's too.
func find(dir, name string) (string, error) {
	if dir != "" && filepath.Base(name) != name && !filepath.IsAbs(name) {
		name = filepath.Join(dir, name)
	}
	path, err := exec.LookPath(name)
	switch {
	case err == nil:
		return path, nil
	case errors.Is(err, exec.ErrNotFound) || errors.Is(err, os.ErrNotExist):
		return "", &exitError{fmt.Sprintf("there is no program %s", name), "check the name, and the variable PATH", 127}
	}
	return "", &exitError{fmt.Sprintf("%s cannot be run: %v", name, err), "change its mode, or name the program that runs it", 126}
}

// runEnvironment is what the command gets beside this process's own environment, and the port
// in it; 0 for none.
func (s Stack) runEnvironment(ctx context.Context, running summary.Summary, o runOptions) (env []string, port int, err error) {
	c := newClient(running, s.Check)
	var list struct{ Items []variable }
	if o.service == "" {
		err = c.get(ctx, "/api/environment", &list)
	} else if err = c.check(ctx, o.service); err == nil {
		err = c.get(ctx, servicePath(o.service, "environment?reveal=true"), &list)
	}
	if err != nil {
		return nil, 0, err
	}
	if o.service == "" {
		list.Items = append(list.Items, variable{Name: "OTEL_SERVICE_NAME", Value: cmp.Or(o.name, filepath.Base(o.argv[0]))})
	}
	for _, v := range list.Items {
		if v.Name == "PORT" {
			port, _ = strconv.Atoi(v.Value)
		}
		env = append(env, v.Name+"="+v.Value)
	}
	if o.service == "" || o.name != "" { // the service itself may listen at its own
		if port, err = freePort(); err != nil {
			return nil, 0, err
		}
		env = append(env, "PORT="+strconv.Itoa(port))
	}
	return env, port, nil
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}

// publish routes the command's host to its port until withdraw is called. When the stack ends
// before, the next one on its data directory routes it.
func (s Stack) publish(ctx context.Context, running summary.Summary, o runOptions, port int) (withdraw func(), err error) {
	address := net.JoinHostPort("localhost", strconv.Itoa(port)) // 127.0.0.1 or ::1, whichever it listens on
	r, err := replacement.Open(ctx, running.Registry, running.RegistrySecret, o.name, address)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(o.err, "axion: https://%s%s:%s leads to port %d\n", o.name, publish.Domain, portOf(running.HTTPS), port)
	again, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		select {
		case <-r.Ended():
		case <-again.Done():
			return
		}
		next := func() (string, string, error) {
			now, err := s.load(running.Data)
			return now.Registry, now.RegistrySecret, err
		}
		replacement.Register(again, next, o.name, address, func() {}, s.Log)
	}()
	return func() { cancel(); r.Close(); <-done }, nil
}

func portOf(url string) string { return url[strings.LastIndexByte(url, ':')+1:] }

// exitError ends the program with a code. Without a text it is not shown: the command that
// ran has said what there is to say.
type exitError struct {
	text, hint string
	code       int
}

func (e *exitError) Error() string { return e.text }

// Hint is the hint shown with the error.
func (e *exitError) Hint() string { return e.hint }

// ExitCode is the program's.
func (e *exitError) ExitCode() int { return e.code }

// runToEnd runs a command, passes signals on to it, and has its exit code: 128 and the
// signal's number where that has ended it, as shells do.
func runToEnd(cmd *exec.Cmd) error {
	signals, passed := make(chan os.Signal, 8), passedOn(isTerminal(os.Stdin))
	signal.Notify(signals, kept...)
	defer signal.Stop(signals)
	if err := cmd.Start(); err != nil {
		return &exitError{err.Error(), "", 126}
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case sig := <-signals:
			if slices.Contains(passed, sig) {
				_ = cmd.Process.Signal(sig)
			}
		case err := <-ended:
			return exitOf(cmd.ProcessState, err)
		}
	}
}

// exitOf is the error with the exit code of a command that has ended.
func exitOf(state *os.ProcessState, err error) error {
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		return err
	}
	if code := exitCode(state); code != 0 {
		return &exitError{code: code}
	}
	return nil
}
