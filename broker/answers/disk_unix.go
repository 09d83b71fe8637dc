//go:build unix

package answers

import "golang.org/x/sys/unix"

// disk is the size of a folder's disk in bytes, and what is left of it; -1 where that
// is not known, as Kafka says it.
func disk(dir string) (total, usable int64) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return -1, -1
	}
	return int64(uint64(s.Bsize) * s.Blocks), int64(uint64(s.Bsize) * uint64(s.Bavail)) //nolint:unconvert // types differ by system
}
