//go:build unix

package inspect

import "syscall"

// groupOf is the id of a process's group; 0 where it has none.
func groupOf(pid int) int {
	group, err := syscall.Getpgid(pid)
	if err != nil {
		return 0
	}
	return group
}
