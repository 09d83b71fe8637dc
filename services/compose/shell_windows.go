package compose

// Shell has a shell run a command line.
func Shell(line string) Argv { return Argv{"cmd.exe", "/d", "/s", "/c", line} }
