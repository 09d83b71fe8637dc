//go:build unix

package broker

import (
	"io/fs"
	"os"
	"syscall"
)

// owned tells whether a file belongs to this process's user.
func owned(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid()
}
