package retention

import "golang.org/x/sys/windows"

// systemDisk asks the file system of a directory.
func systemDisk(dir string) (disk Disk, err error) {
	name, err := windows.UTF16PtrFromString(dir)
	if err == nil {
		err = windows.GetDiskFreeSpaceEx(name, &disk.Free, &disk.Total, nil)
	}
	return disk, err
}
