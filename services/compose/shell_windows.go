package compose

// shell has a shell run a command line.
func shell(line string) Argv { return Argv{"cmd.exe", "/d", "/s", "/c", line} }
