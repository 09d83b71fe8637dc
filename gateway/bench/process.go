package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// roleVariable makes this program one of the roles that it measures with.
const roleVariable = "AXION_BENCH_ROLE"

var roles = map[string]func(context.Context) error{"backend": backend, ours: serveOurs}

var errNotFound = errors.New("not found")

// spawnRole starts this program again in a role, and returns the first line that
// it prints.
func spawnRole(ctx context.Context, role, dir string, env ...string) (line string, pid int, stop func(), err error) {
	self, err := os.Executable()
	if err != nil {
		return "", 0, nil, err
	}
	cmd := exec.CommandContext(ctx, self)
	cmd.Env, cmd.Dir, cmd.Stderr = append(append(os.Environ(), roleVariable+"="+role), env...), dir, os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return "", 0, nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", 0, nil, err
	}
	if err := cmd.Start(); err != nil {
		return "", 0, nil, err
	}
	line, err = bufio.NewReader(out).ReadString('\n')
	stop = func() {
		_ = in.Close()
		defer time.AfterFunc(5*time.Second, func() { _ = cmd.Process.Kill() }).Stop()
		_ = cmd.Wait()
	}
	if err != nil {
		stop()
		return "", 0, nil, fmt.Errorf("%s did not start: %w", role, err)
	}
	return strings.TrimSpace(line), cmd.Process.Pid, stop, nil
}

// family is a process with its children.
func family(pid int) []int {
	list := []int{pid}
	children, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, file := range children {
		text, _ := os.ReadFile(file)
		for _, word := range strings.Fields(string(text)) {
			if n, err := strconv.Atoi(word); err == nil {
				list = append(list, family(n)...)
			}
		}
	}
	return list
}

// cpuOf is the processor time that processes have used.
func cpuOf(pids []int) time.Duration {
	const tick = 10 * time.Millisecond // USER_HZ is 100 on all that Go runs on
	var total time.Duration
	for _, pid := range pids {
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		_, rest, _ := bytes.Cut(text, []byte(") "))
		fields := strings.Fields(string(rest))
		if len(fields) < 13 {
			continue
		}
		for _, f := range fields[11:13] {
			n, _ := strconv.ParseInt(f, 10, 64)
			total += time.Duration(n) * tick
		}
	}
	return total
}

// memoryOf is the resident memory of processes in MB; what they share counts once
// for each.
func memoryOf(pids []int) float64 {
	total := 0.0
	for _, pid := range pids {
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		for line := range strings.Lines(string(text)) {
			if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
				kb, _ := strconv.ParseFloat(strings.Fields(rest)[0], 64)
				total += kb / 1024
			}
		}
	}
	return total
}
