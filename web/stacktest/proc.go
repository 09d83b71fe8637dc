package stacktest

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Proc is a process of this machine, be it there or not.
type Proc struct {
	PID int
	// Command is its command line, with spaces between the words.
	Command string
	started string // as /proc has it: another process of the same number started later
}

// Descendants are the processes that a process has started, and those that they have.
// Without /proc there are none.
func Descendants(pid int) []Proc {
	children := map[int][]Proc{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat") // its one error is of the pattern
	for _, path := range stats {
		parent, p, err := readStat(path)
		if err != nil {
			continue // it has ended
		}
		command, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "cmdline"))
		p.Command = strings.TrimSpace(strings.ReplaceAll(string(command), "\x00", " "))
		children[parent] = append(children[parent], p)
	}
	var all []Proc
	for next := children[pid]; len(next) > 0; next = next[1:] {
		all = append(all, next[0])
		next = append(next, children[next[0].PID]...)
	}
	return all
}

// Runs says whether the process is still there, and has not merely left its status.
func (p Proc) Runs() bool {
	_, now, err := readStat(fmt.Sprintf("/proc/%d/stat", p.PID))
	return err == nil && now.started == p.started
}

// readStat reads a process's stat file (proc_pid_stat(5)). One that has ended is an error.
func readStat(path string) (parent int, p Proc, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, Proc{}, err
	}
	id, rest, _ := strings.Cut(string(text), " (")
	// The name, in brackets, may have brackets itself. After it come the state, the
	// parent, and as the 20th the time of the start.
	fields := strings.Fields(rest[strings.LastIndexByte(rest, ')')+1:])
	if len(fields) < 20 || fields[0] == "Z" {
		return 0, Proc{}, os.ErrProcessDone
	}
	p.started = fields[19]
	if p.PID, err = strconv.Atoi(id); err != nil {
		return 0, Proc{}, err
	}
	parent, err = strconv.Atoi(fields[1])
	return parent, p, err
}
