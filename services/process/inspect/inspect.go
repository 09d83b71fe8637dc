// Package inspect says what processes of this machine use: processor time, memory and
// ports. It looks when it is asked, and keeps nothing.
package inspect

import (
	"context"
	"fmt"
	"slices"

	"github.com/shirou/gopsutil/v4/net"
	"github.com/shirou/gopsutil/v4/process"
)

// Usage is what a process uses, with all that it has started.
type Usage struct {
	CPU    float64 // seconds of processor time of those that run
	Memory uint64  // bytes that are resident; what processes share is counted for each
}

// Groups is what groups of processes use, by the process that each began with: those of
// its process group, and what descends from it. A process that is gone has none.
func Groups(ctx context.Context, leaders []int) (map[int]Usage, error) {
	members, err := groups(ctx, leaders)
	if err != nil {
		return nil, err
	}
	all := map[int]Usage{}
	for leader, pids := range members {
		var sum Usage
		for _, pid := range pids {
			p := &process.Process{Pid: int32(pid)}
			if times, err := p.TimesWithContext(ctx); err == nil { // else it has just ended
				sum.CPU += times.User + times.System
			}
			if memory, err := p.MemoryInfoWithContext(ctx); err == nil {
				sum.Memory += memory.RSS
			}
		}
		all[leader] = sum
	}
	return all, nil
}

// groups lists the processes of each group.
func groups(ctx context.Context, leaders []int) (map[int][]int, error) {
	pids, err := process.PidsWithContext(ctx)
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	parents := map[int]int{}
	for _, pid := range pids {
		if parent, err := (&process.Process{Pid: pid}).PpidWithContext(ctx); err == nil {
			parents[int(pid)] = int(parent)
		}
	}
	members := map[int][]int{}
	for pid := range parents {
		if leader := leaderOf(pid, parents, leaders); leader != 0 {
			members[leader] = append(members[leader], pid)
		}
	}
	return members, nil
}

// leaderOf is the leader whose group a process is in; 0 for none.
func leaderOf(pid int, parents map[int]int, leaders []int) int {
	if group := groupOf(pid); slices.Contains(leaders, group) {
		return group
	}
	for range parents { // a circle of ids that were given anew ends too
		if slices.Contains(leaders, pid) {
			return pid
		}
		parent, ok := parents[pid]
		if !ok {
			return 0
		}
		pid = parent
	}
	return 0
}

// Ports lists the TCP ports at which a process and its group listen, sorted.
func Ports(ctx context.Context, leader int) ([]int, error) {
	members, err := groups(ctx, []int{leader})
	if err != nil {
		return nil, err
	}
	var ports []int
	for _, pid := range members[leader] {
		found, err := net.ConnectionsPidWithContext(ctx, "tcp", int32(pid))
		if err != nil {
			continue // it has just ended, or is not ours to read
		}
		for _, c := range found {
			if c.Status == listening {
				ports = append(ports, int(c.Laddr.Port))
			}
		}
	}
	slices.Sort(ports)
	return slices.Compact(ports), nil
}

// listening is the state of a connection that is none yet.
const listening = "LISTEN"

// Holder is a process that listens at a port.
type Holder struct {
	PID  int
	Name string // of its program
}

// String names the process.
func (h Holder) String() string { return fmt.Sprintf("%s (process %d)", h.Name, h.PID) }

// FindHolder finds the process that listens at a TCP port. ok is false where there is none,
// or it is one that this user must not see.
func FindHolder(ctx context.Context, port int) (h Holder, ok bool) {
	found, err := net.ConnectionsWithContext(ctx, "tcp")
	if err != nil {
		return Holder{}, false
	}
	for _, c := range found {
		if c.Status != listening || int(c.Laddr.Port) != port || c.Pid == 0 {
			continue
		}
		name, err := (&process.Process{Pid: c.Pid}).NameWithContext(ctx)
		if err != nil {
			name = "a program"
		}
		return Holder{int(c.Pid), name}, true
	}
	return Holder{}, false
}
