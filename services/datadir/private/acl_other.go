//go:build !linux

package private

import "io/fs"

// sharedACL is nothing: access control lists are read on Linux alone.
func sharedACL(string, fs.FileInfo) string { return "" }
