//go:build unix

package entrypoint

import "syscall"

// connLimit is an eighth of the files that may be open, for each entrypoint: the two
// that there are by default and Kafka's clients together, who have a quarter, must not
// take those of the ways to servers, of databases and logs.
func connLimit() int {
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil || files.Cur > 4*defaultConns {
		return defaultConns
	}
	return max(1, int(files.Cur/8))
}
