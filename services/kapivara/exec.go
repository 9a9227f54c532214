package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"kapivara/pkg/client"
)

// exitTerm is the exit status of a command that wants its delivery parked (EX_DATAERR of sysexits).
const exitTerm = 65

// exec runs the command for a delivery. Its exit status is the answer, the end of its stderr the reason.
func (w *worker) exec(ctx context.Context, d *client.Delivery) error {
	if w.cmd.ExecTimeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, w.cmd.ExecTimeout)
		defer cancel()
	}
	command := exec.CommandContext(ctx, "sh", "-c", w.cmd.Exec)
	input, fill := io.Pipe()
	command.Stdin = input
	command.Env = append(os.Environ(),
		"KAPIVARA_STREAM="+string(d.Stream),
		fmt.Sprintf("KAPIVARA_DELIVERY=%s/%s/%d", d.Subscriber, d.Bucket, d.Number),
		fmt.Sprintf("KAPIVARA_ATTEMPT=%d", d.Attempt))
	said := &tail{}
	command.Stdout = &shared{w: w, to: w.session.std.out}
	command.Stderr = &shared{w: w, to: w.session.std.err, also: said}
	// In a group of its own: Ctrl-C ends us after the command, not the command.
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGKILL) }
	command.WaitDelay = 5 * time.Second

	filled := make(chan struct{})
	go func() {
		defer close(filled)
		err := d.WriteJSON(ctx, fill)
		if err == nil {
			_, err = fill.Write([]byte{'\n'})
		}
		_ = fill.CloseWithError(err) // Run gives it back, where the command still reads
	}()
	stop := keepGoing(ctx, d)
	err := command.Run()
	_ = input.Close()
	<-filled
	stop()
	return cmdVerdict(ctx, err, said.String())
}

func cmdVerdict(ctx context.Context, err error, said string) error {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("the command did not end in time: %s", said)
	case errors.As(err, &exit) && exit.ExitCode() == exitTerm:
		return client.Terminate(fmt.Errorf("exit status %d: %s", exitTerm, said))
	default:
		return fmt.Errorf("%w: %s", err, said)
	}
}

// keepGoing moves the delivery's deadline on until stop is called.
func keepGoing(ctx context.Context, d *client.Delivery) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(max(d.AckWait/3, 10*time.Millisecond))
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				_ = d.Progress(ctx) // the next one comes soon, and the answer tells whether the delivery is still ours
			}
		}
	}()
	return func() {
		cancel()
		<-ended
	}
}

// shared lets commands that run side by side write to one stream.
type shared struct {
	w    *worker
	to   io.Writer
	also *tail
}

// Write writes the piece as a whole.
func (s *shared) Write(p []byte) (int, error) {
	s.w.out.Lock()
	defer s.w.out.Unlock()
	if s.also != nil {
		s.also.add(p)
	}
	return s.to.Write(p)
}

// tail keeps the end of what a command says.
type tail struct{ text []byte }

func (t *tail) add(p []byte) {
	const most = 150
	t.text = append(t.text, p...)
	t.text = t.text[max(0, len(t.text)-most):]
}

// String is the last line.
func (t *tail) String() string {
	lines := strings.Split(strings.TrimSpace(string(t.text)), "\n")
	return lines[len(lines)-1]
}
