//go:build !linux && !darwin && !freebsd && !windows

package retention

import "errors"

// systemDisk cannot say here.
func systemDisk(string) (Disk, error) { return Disk{}, errors.ErrUnsupported }
