//go:build unix

package connlimit

import "syscall"

// Default is [Max], but a quarter of the files that this process may open where that
// is less: clients must not take those of logs, databases and the gateway. Go
// raises the soft limit to the hard one when a program starts.
func Default() int {
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil || files.Cur/4 > Max {
		return Max
	}
	return max(1, int(files.Cur/4))
}
