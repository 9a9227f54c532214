//go:build unix

package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// lockFolder takes the folder for this process and everything that inherits the returned file. A folder that a living
// process holds is refused at once; one whose process has died is waited for until its server has stopped.
func lockFolder(ctx context.Context, cfg PostgresConfig) (*os.File, error) {
	file, err := os.OpenFile(filepath.Join(cfg.DataDir, "lock"), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	told := false
	for {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			break
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			file.Close()
			return nil, fmt.Errorf("lock: %w", err)
		}
		if pid := lockHolder(file); pid > 0 && alive(pid) {
			file.Close()
			return nil, fmt.Errorf("the data folder %s is in use by process %d: stop it, or choose another folder", cfg.DataDir, pid)
		}
		if !told {
			cfg.Progress("waiting for the PostgreSQL server of an earlier process to stop")
			told = true
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			file.Close()
			return nil, fmt.Errorf("the data folder %s is still in use by the server of an earlier process: %w", cfg.DataDir, err)
		}
	}
	if err := writeLockHolder(file); err != nil {
		file.Close()
		return nil, fmt.Errorf("lock: %w", err)
	}
	return file, nil
}

func writeLockHolder(file *os.File) error {
	if err := file.Truncate(0); err != nil {
		return err
	}
	_, err := file.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}

// lockHolder is the process that took the lock, 0 where it has not written itself down yet.
func lockHolder(file *os.File) int {
	buf := make([]byte, 32)
	n, _ := file.ReadAt(buf, 0)
	pid, _ := strconv.Atoi(strings.TrimSpace(string(buf[:n])))
	return pid
}

func alive(pid int) bool {
	err := syscall.Kill(pid, 0)
	return err == nil || errors.Is(err, syscall.EPERM)
}

// pause waits for d or the end of ctx.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
