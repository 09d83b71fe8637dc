//go:build unix

package private

import (
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// foreignOwner says whose a file is where it is another user's, else nothing.
func foreignOwner(info fs.FileInfo) string {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return "its owner is not known"
	}
	if uid := int(stat.Uid); uid != 0 && uid != os.Geteuid() && !startedBySudo(uid) {
		return fmt.Sprintf("it belongs to user %d", uid)
	}
	return ""
}

// startedBySudo reports whether a user started this process, which is root's, by sudo.
func startedBySudo(uid int) bool {
	by, err := strconv.Atoi(os.Getenv("SUDO_UID"))
	return err == nil && os.Geteuid() == 0 && by == uid
}

// sharedMode says by which mode others may write into a folder, else nothing. Root's group,
// and one of the owner's own name, as Debian and Fedora make, have nobody else in them.
func sharedMode(info fs.FileInfo) string {
	const group, others = 0o020, 0o002
	stat, ok := info.Sys().(*syscall.Stat_t)
	mode := info.Mode()
	switch {
	case !ok || mode.Perm()&others != 0:
	case mode.Perm()&group == 0 || stat.Gid == 0 || ownGroup(stat.Uid, stat.Gid):
		return ""
	}
	return "its mode is " + mode.String()
}

func ownGroup(uid, gid uint32) bool {
	u, err := user.LookupId(strconv.FormatUint(uint64(uid), 10))
	if err != nil {
		return false
	}
	g, err := user.LookupGroupId(strconv.FormatUint(uint64(gid), 10))
	return err == nil && g.Name == u.Username
}
