//go:build unix && !solaris && !netbsd

package retention

import "golang.org/x/sys/unix"

// systemDisk asks the file system of a directory.
func systemDisk(dir string) (Disk, error) {
	var stat unix.Statfs_t
	if err := unix.Statfs(dir, &stat); err != nil {
		return Disk{}, err
	}
	block := uint64(stat.Bsize)
	return Disk{Free: uint64(stat.Bavail) * block, Total: uint64(stat.Blocks) * block}, nil
}
