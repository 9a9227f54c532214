package harness

import (
	"os/exec"
	"runtime"
)

// launcher starts processes from one thread that lives as long as the run. On Linux a child can be killed by the kernel
// when its parent dies, and for the kernel the parent is the thread that started it.
type launcher struct{ starts chan launch }

type launch struct {
	cmd  *exec.Cmd
	done chan error
}

func newLauncher() *launcher {
	l := &launcher{starts: make(chan launch)}
	go l.work()
	return l
}

func (l *launcher) work() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for s := range l.starts {
		s.done <- s.cmd.Start()
	}
}

func (l *launcher) start(cmd *exec.Cmd) error {
	s := launch{cmd, make(chan error, 1)}
	l.starts <- s
	return <-s.done
}

// close ends the thread; all children have ended.
func (l *launcher) close() { close(l.starts) }
