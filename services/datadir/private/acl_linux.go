package private

import (
	"encoding/binary"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// Of a POSIX access control list as the kernel gives it: a version, then entries of a tag,
// permissions and an id each.
const (
	aclAttribute = "system.posix_acl_access"
	aclVersion   = 2
	aclHeader    = 4
	aclEntry     = 8
	aclUser      = 0x02
	aclGroup     = 0x08
	aclMask      = 0x10
	aclWrite     = 0x02
)

// sharedACL says whom the access control list of a folder lets write into it beside those
// of its mode, else nothing. A folder without one, or of a file system that has none, has
// its mode alone.
func sharedACL(folder string, info fs.FileInfo) string {
	list := make([]byte, 4<<10)
	n, err := unix.Getxattr(folder, aclAttribute, list)
	switch {
	case err == unix.ENODATA || err == unix.ENOTSUP:
		return ""
	case err != nil:
		return fmt.Sprintf("its access control list cannot be read: %v", err)
	case n < aclHeader || (n-aclHeader)%aclEntry != 0 || binary.LittleEndian.Uint32(list) != aclVersion:
		return "its access control list is not understood"
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	mask, who := uint16(aclWrite), ""
	for at := aclHeader; at < n; at += aclEntry {
		tag, rights := binary.LittleEndian.Uint16(list[at:]), binary.LittleEndian.Uint16(list[at+2:])
		id := binary.LittleEndian.Uint32(list[at+4:])
		switch {
		case tag == aclMask:
			mask = rights
		case rights&aclWrite == 0:
		case tag == aclUser && id != 0 && int(id) != os.Geteuid() && !startedBySudo(int(id)):
			who = fmt.Sprintf("user %d", id)
		case tag == aclGroup && id != 0 && !ownGroup(stat.Uid, id):
			who = fmt.Sprintf("group %d", id)
		}
	}
	if who == "" || mask&aclWrite == 0 {
		return ""
	}
	return "its access control list lets " + who + " write"
}
