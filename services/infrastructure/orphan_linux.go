package infrastructure

import "syscall"

// dieWithParent ends a command when axion is killed.
func dieWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGKILL }
