package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// key is one that was pressed: a letter, or one of those below.
type key string

// The keys that are no letters.
const (
	keyUp   key = "up"
	keyDown key = "down"
	keyEsc  key = "esc"
)

// readKeys has the terminal give each key at once and unseen, and sends what is pressed until ctx ends. restore waits for
// that and makes the terminal as it was. Where the input is no terminal there are no keys. Ctrl-C stays a signal.
func readKeys(ctx context.Context, in io.Reader) (keys <-chan key, restore func()) {
	tty, ok := in.(*os.File)
	if !ok {
		return nil, func() {}
	}
	was, err := stty(tty, "-g")
	if err == nil { // a read ends after 0.1 s where nothing is pressed, so that whoever reads can be ended
		_, err = stty(tty, "-icanon", "-echo", "min", "0", "time", "1")
	}
	if err != nil {
		return nil, func() {}
	}
	ctx, end := context.WithCancel(ctx)
	pressed, ended := make(chan key), make(chan struct{})
	go func() {
		defer close(ended)
		sendKeys(ctx, tty, pressed)
	}()
	return pressed, func() {
		end()
		<-ended
		_, _ = stty(tty, strings.TrimSpace(was))
	}
}

func sendKeys(ctx context.Context, tty io.Reader, pressed chan<- key) {
	buf := make([]byte, 32)
	for ctx.Err() == nil {
		n, err := tty.Read(buf)
		if err != nil && err != io.EOF {
			return
		}
		for _, k := range keysOf(string(buf[:n])) {
			select {
			case pressed <- k:
			case <-ctx.Done():
				return
			}
		}
	}
}

// keysOf takes what a terminal has sent apart. What is no key of ours is left out.
func keysOf(text string) (keys []key) {
	for text != "" {
		switch {
		case len(text) >= 3 && (text[:2] == "\x1b[" || text[:2] == "\x1bO"):
			switch text[2] {
			case 'A':
				keys = append(keys, keyUp)
			case 'B':
				keys = append(keys, keyDown)
			}
			text = text[3:]
			continue
		case text[0] == 0x1b:
			keys = append(keys, keyEsc)
		case text[0] > ' ' && text[0] < 0x7f:
			keys = append(keys, key(text[:1]))
		}
		text = text[1:]
	}
	return keys
}

func stty(tty *os.File, args ...string) (string, error) {
	cmd := exec.Command("stty", args...)
	cmd.Stdin = tty
	text, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("stty: %w", err)
	}
	return string(text), nil
}

// screenSize is how many lines and columns the terminal has; columns 0 where that is not known.
func screenSize(in io.Reader) (lines, columns int) {
	if tty, ok := in.(*os.File); ok {
		if text, err := stty(tty, "size"); err == nil {
			_, _ = fmt.Sscan(text, &lines, &columns)
		}
	}
	if lines < 10 {
		lines = 24
	}
	return lines, columns
}
