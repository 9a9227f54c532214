//go:build unix

package embedded

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	logLimit = 8 << 20 // bytes of postgres.log before it moves to postgres.log.1
	logCheck = 30 * time.Second
)

// openLog opens the server's log for appending. All processes of the server write to it.
func openLog(dataDir string) (*os.File, error) {
	file, err := os.OpenFile(filepath.Join(dataDir, "postgres.log"), os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("log: %w", err)
	}
	return file, nil
}

// keepLogShort moves the log to postgres.log.1 when it has passed its limit, until done; then it closes the log.
func keepLogShort(log *os.File, done <-chan struct{}) {
	defer log.Close()
	tick := time.NewTicker(logCheck)
	defer tick.Stop()
	for {
		shortenLog(log, logLimit)
		select {
		case <-done:
			return
		case <-tick.C:
		}
	}
}

// shortenLog copies and truncates, since the server holds the file open; it appends, so the file begins anew. A
// failure leaves the log as it was, for the next try.
func shortenLog(log *os.File, limit int64) {
	info, err := log.Stat()
	if err != nil || info.Size() <= limit {
		return
	}
	old, err := os.OpenFile(log.Name()+".1", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return
	}
	_, err = io.Copy(old, io.NewSectionReader(log, max(0, info.Size()-limit), limit))
	if old.Close() == nil && err == nil {
		_ = log.Truncate(0)
	}
}

// logTail is the end of the log, written from offset on: what a failed start has to say.
func logTail(path string, offset int64) string {
	file, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil {
		offset = max(offset, info.Size()-2000)
	}
	text, _ := io.ReadAll(io.NewSectionReader(file, offset, 2000))
	return strings.TrimSpace(string(text))
}
