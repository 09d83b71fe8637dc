package process

import (
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"regexp"
	"strings"
)

// exit is how a command ended.
type exit struct {
	code   int
	signal string
	err    error
	launch bool   // it was not started
	lines  string // the last that it wrote
	cause  error  // what they mean; nil where that is not known
}

// String is the end in a line: the status, and why, as far as that is known.
func (e exit) String() string {
	how := ""
	switch {
	case e.err == nil:
		return "it ended with status 0"
	case e.signal != "":
		how = "a signal ended it (" + e.signal + ")"
	case e.code > 0:
		how = fmt.Sprintf("it ended with status %d", e.code)
	default:
		return e.err.Error()
	}
	if e.cause != nil {
		return how + ": " + e.cause.Error()
	}
	if line := telling(e.lines); line != "" {
		return how + ": " + line
	}
	return how
}

// hint is how to mend the end, where an error says so.
func (e exit) hint() string {
	if e.cause != nil && hint(e.cause) != "" {
		return hint(e.cause)
	}
	if text := hint(e.err); text != "" {
		return text
	}
	if e.launch && (errors.Is(e.err, exec.ErrNotFound) || errors.Is(e.err, fs.ErrNotExist)) {
		return "install the program, or correct the command"
	}
	if e.err != nil && !e.launch {
		return "its last lines may say why: axion logs"
	}
	return ""
}

// note has a status say how the process ended.
func (e exit) note(s *Status) {
	s.PID, s.ExitCode, s.Signal, s.Problem, s.Hint, s.Lines = 0, e.code, e.signal, e.String(), e.hint(), e.lines
}

// hint is how to mend what an error is about, if it says so.
func hint(err error) string {
	if with, ok := errors.AsType[interface {
		error
		Hint() string
	}](err); ok {
		return with.Hint()
	}
	return ""
}

var (
	failure = regexp.MustCompile(`(?i)\b(error|panic|exception|fatal)\b|Error:`)
	colours = regexp.MustCompile("\x1b\\[[0-9;]*m")
)

// maxTelling bounds a line that stands for all, in bytes.
const maxTelling = 200

// telling is the line of several that says most of why a program failed: the last that
// names an error, else the last.
func telling(lines string) string {
	found, named := "", false
	for line := range strings.Lines(colours.ReplaceAllString(lines, "")) {
		line = strings.TrimSpace(line)
		if is := failure.MatchString(line); line != "" && (is || !named) {
			found, named = line, is
		}
	}
	if len(found) > maxTelling {
		found = strings.ToValidUTF8(found[:maxTelling], "") + "…"
	}
	return found
}
