//go:build unix

package compose

// Shell has a shell run a command line.
func Shell(line string) Argv { return Argv{"/bin/sh", "-c", line} }
