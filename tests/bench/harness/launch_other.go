//go:build !linux

package harness

import (
	"os/exec"
	"syscall"
)

// ownGroup keeps a terminal's signals away from the command.
func ownGroup(cmd *exec.Cmd) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
}
