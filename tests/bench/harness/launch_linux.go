package harness

import (
	"os/exec"
	"syscall"
)

// ownGroup keeps a terminal's signals away from the command, and has the kernel kill it when this process dies.
func ownGroup(cmd *exec.Cmd) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid, cmd.SysProcAttr.Pdeathsig = true, syscall.SIGKILL
}
