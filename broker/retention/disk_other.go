//go:build (!unix && !windows) || solaris || netbsd

package retention

import "errors"

// systemDisk cannot tell here.
func systemDisk(string) (Disk, error) { return Disk{}, errors.ErrUnsupported }
