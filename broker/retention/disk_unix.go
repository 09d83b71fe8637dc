//go:build linux || darwin || freebsd

package retention

import "golang.org/x/sys/unix"

// systemDisk asks the file system of a directory.
func systemDisk(dir string) (Disk, error) {
	var stat unix.Statfs_t
	if err := unix.Statfs(dir, &stat); err != nil {
		return Disk{}, err
	}
	block := uint64(stat.Bsize)
	free := uint64(stat.Bavail) //nolint:unconvert // it is signed on FreeBSD
	return Disk{
		Free: free * block, Total: stat.Blocks * block, Files: stat.Files, FreeFiles: uint64(stat.Ffree), //nolint:unconvert // as above
		ReadOnly: uint64(stat.Flags)&readOnly != 0, // its type differs by system
	}, nil
}

// readOnly is Linux's ST_RDONLY, and MNT_RDONLY elsewhere.
const readOnly = 1
