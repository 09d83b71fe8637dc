//go:build unix

package gateway

import "syscall"

// connLimit leaves half of the files that may be open for the ways to servers.
func connLimit() int {
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil || files.Cur > 4*defaultConns {
		return defaultConns
	}
	return int(files.Cur / 2)
}
