//go:build unix

package datadir

import (
	"io/fs"
	"os"
	"syscall"
)

// ownedByUser says whether a file belongs to this process's user.
func ownedByUser(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid()
}
