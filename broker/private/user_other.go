//go:build !unix

package private

import "io/fs"

// foreign is nothing: there are no user ids.
func foreign(fs.FileInfo) string { return "" }

// shared is nothing: modes say nothing of others.
func shared(fs.FileInfo) string { return "" }
