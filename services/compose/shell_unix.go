//go:build unix

package compose

// shell has a shell run a command line.
func shell(line string) Argv { return Argv{"/bin/sh", "-c", line} }
