package postgres

import (
	"os"
	"os/exec"
	"syscall"
)

// dropRoot has a command of root's run as another user of a namespace of its own:
// PostgreSQL refuses to run as root. Its files stay root's outside, so that they may lie
// where no other user comes.
func dropRoot(cmd *exec.Cmd) {
	if os.Geteuid() != 0 {
		return
	}
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
	cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 1000, HostID: 0, Size: 1}}
	cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 1000, HostID: os.Getegid(), Size: 1}}
}
