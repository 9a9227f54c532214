package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"kapivara/tests/kit"
)

// terminal is a pseudo terminal with somebody before it.
type terminal struct {
	t           *testing.T
	front, back *os.File // whoever sits there, and the program
	mu          sync.Mutex
	text        bytes.Buffer
}

func newTerminal(t *testing.T) *terminal {
	t.Helper()
	front, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("there are no pseudo terminals: %v", err)
	}
	t.Cleanup(func() { _ = front.Close() })
	var unlock, number int32
	size := [4]uint16{30, 130}
	for request, value := range map[uintptr]unsafe.Pointer{
		syscall.TIOCSPTLCK: unsafe.Pointer(&unlock), syscall.TIOCGPTN: unsafe.Pointer(&number), syscall.TIOCSWINSZ: unsafe.Pointer(&size),
	} {
		if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, front.Fd(), request, uintptr(value)); errno != 0 {
			t.Fatalf("ioctl %x: %v", request, errno)
		}
	}
	name := fmt.Sprintf("/dev/pts/%d", number)
	fd, err := syscall.Open(name, syscall.O_RDWR|syscall.O_NOCTTY, 0) // as a process has its stdin
	if err != nil {
		t.Fatal(err)
	}
	tty := &terminal{t: t, front: front, back: os.NewFile(uintptr(fd), name)}
	read := make(chan struct{})
	go func() {
		defer close(read)
		buf := make([]byte, 4096)
		for {
			n, err := front.Read(buf)
			tty.mu.Lock()
			tty.text.Write(buf[:n])
			tty.mu.Unlock()
			if err != nil {
				return // nobody has the back any more
			}
		}
	}()
	t.Cleanup(func() { _ = tty.back.Close(); <-read })
	return tty
}

func (tty *terminal) all() string {
	tty.mu.Lock()
	defer tty.mu.Unlock()
	return tty.text.String()
}

// shows waits until the last frame holds the text.
func (tty *terminal) shows(text string) {
	tty.t.Helper()
	kit.Eventually(tty.t, 30*time.Second, func() error {
		all := tty.all()
		if last := all[strings.LastIndex(all, screenHome)+1:]; !strings.Contains(last, text) || !strings.Contains(last, screenEnd) {
			return fmt.Errorf("the screen shows %q, not %q", last, text)
		}
		return nil
	})
}

func (tty *terminal) press(keys string) {
	tty.t.Helper()
	if _, err := tty.front.WriteString(keys); err != nil {
		tty.t.Fatal(err)
	}
}

// The keys of top work on a terminal, each at once, and the terminal is afterwards as it was.
func TestTopOnATerminal(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"topkeys-a", "topkeys-b"} {
		mustRun(t, "subscriber", "set", name, "--buckets", "2", "--types", "nothing.ever")
	}
	tty := newTerminal(t)
	before, err := stty(tty.back, "-g")
	if err != nil {
		t.Skipf("there is no stty: %v", err)
	}
	ended := make(chan int, 1)
	go func() {
		ended <- run(t.Context(), []string{"-s", bus(t), "top", "--every", "100ms", "topkeys-a", "topkeys-b"}, streams{in: tty.back, out: tty.back, err: tty.back})
	}()
	for _, c := range []struct{ press, shows string }{
		{"", "2 subscribers, lag 0"},
		{"?", "sort by the next of"},
		{"?", "In no bucket anything waits"},
		{"j", lineChosen + "topkeys-a"},
		{"\x1b[B", lineChosen + "topkeys-b"},
		{"k", lineChosen + "topkeys-a"},
		{"\x1b", "In no bucket anything waits"},
		{"s", "by lag"},
		{"p", "PAUSED"},
	} {
		tty.press(c.press)
		tty.shows(c.shows)
	}
	tty.press("q")
	select {
	case status := <-ended:
		if status != 0 {
			t.Errorf("it ended with %d", status)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("q did not end it within 30 s")
	}
	kit.Eventually(t, 30*time.Second, func() error {
		if all := tty.all(); !strings.HasPrefix(all, screenOpen) || !strings.HasSuffix(all, screenClose) {
			return fmt.Errorf("the screen is left as %q", all[max(0, len(all)-200):])
		}
		return nil
	})
	if after, err := stty(tty.back, "-g"); err != nil || after != before {
		t.Errorf("the terminal is left as %q, %v; it was %q", after, err, before)
	}
}
