//go:build !unix

package broker

import "io/fs"

// owned is true: where there is no user id, the temporary directory is the user's own.
func owned(fs.FileInfo) bool { return true }
