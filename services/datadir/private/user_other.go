//go:build !unix

package private

import "io/fs"

// foreignOwner is nothing: there are no user ids.
func foreignOwner(fs.FileInfo) string { return "" }

// sharedMode is nothing: modes say nothing of others.
func sharedMode(fs.FileInfo) string { return "" }
