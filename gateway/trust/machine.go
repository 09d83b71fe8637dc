package trust

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

const (
	// toolTime bounds one run of a tool; keytool starts a Java machine.
	toolTime = time.Minute
	// maxOutput bounds what is kept of a tool's output, in bytes.
	maxOutput = 1 << 20
)

// machine is where the stores are.
type machine struct {
	system string // the operating system, by Go's name
	home   string
	prefix string // of the system's files; empty for the real ones
	admin  bool   // whether the user may change the system's files
	env    func(string) string
	update []string // run in place of the system's tool for its bundle, if any
	ports  []int    // that doctor looks at
}

func thisMachine() *machine {
	home, _ := os.UserHomeDir()
	return &machine{system: runtime.GOOS, home: home, admin: os.Geteuid() == 0, env: os.Getenv, ports: []int{80, 443}}
}

// stores are those that the machine has. Problems name stores that cannot be
// reached.
func (m *machine) stores() ([]store, []Outcome) {
	var list []store
	var problems []Outcome
	for _, find := range []func(*machine) ([]store, *Outcome){findSystem, findNSS, findJava} {
		found, problem := find(m)
		list = append(list, found...)
		if problem != nil {
			problems = append(problems, *problem)
		}
	}
	return list, problems
}

// tool is the path of an executable, or empty.
func (m *machine) tool(name string) string {
	for _, dir := range filepath.SplitList(m.env("PATH")) {
		if file, err := exec.LookPath(filepath.Join(dir, name)); err == nil && filepath.IsAbs(file) {
			return file
		}
	}
	return ""
}

// run gives a tool's output, also of one that fails.
func (m *machine) run(ctx context.Context, command ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, toolTime)
	defer cancel()
	var out limited
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env = append(os.Environ(), "HOME="+m.home, "LC_ALL=C")
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	text := strings.TrimSpace(out.String())
	if _, ok := errors.AsType[*exec.ExitError](err); ok && text != "" {
		err = fmt.Errorf("%s: %w: %s", filepath.Base(command[0]), err, lastLine(text))
	}
	return text, err
}

// limited keeps the beginning of what is written to it.
type limited struct{ bytes.Buffer }

func (l *limited) Write(p []byte) (int, error) {
	keep := min(len(p), maxOutput-l.Len())
	_, _ = l.Buffer.Write(p[:keep])
	return len(p), nil
}

func lastLine(text string) string { return text[strings.LastIndexByte(text, '\n')+1:] }

// shell is a command as typed in a shell.
func shell(command ...string) string {
	words := make([]string, len(command))
	for i, w := range command {
		if w == "" || strings.Trim(w, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./_-") != "" {
			w = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
		words[i] = w
	}
	return strings.Join(words, " ")
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}
