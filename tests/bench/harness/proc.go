package harness

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of the times in /proc/<pid>/stat: Linux shows them in hundredths of a second on every platform.
const tick = 10 * time.Millisecond

// stat is what /proc/<pid>/stat says of a process.
type stat struct {
	parent int
	own    time.Duration // its threads', user and system, those that have ended too
	waited time.Duration // of the children that it has waited for
}

// parseStat reads a line of /proc/<pid>/stat (proc(5)). The second field is the program's name in brackets, and may hold
// spaces and brackets itself.
func parseStat(text string) (stat, error) {
	_, rest, ok := cutLast(text, ")")
	fields := strings.Fields(rest)
	if !ok || len(fields) < 15 {
		return stat{}, fmt.Errorf("stat of a process: cannot read %q", text)
	}
	var numbers [5]int64
	for i, at := range [...]int{1, 11, 12, 13, 14} { // ppid, utime, stime, cutime, cstime
		n, err := strconv.ParseInt(fields[at], 10, 64)
		if err != nil {
			return stat{}, fmt.Errorf("stat of a process: %w", err)
		}
		numbers[i] = n
	}
	return stat{
		parent: int(numbers[0]),
		own:    time.Duration(numbers[1]+numbers[2]) * tick,
		waited: time.Duration(numbers[3]+numbers[4]) * tick,
	}, nil
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

func readStat(pid int) (stat, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return stat{}, err
	}
	return parseStat(string(text))
}

// readTree is what a process, the children that it has waited for, and those that run have used: of a PostgreSQL server by
// its postmaster, whatever backends come and go meanwhile. children are those that run.
func readTree(root int) (used time.Duration, children []int, err error) {
	top, err := readStat(root)
	if err != nil {
		return 0, nil, err
	}
	used = top.own + top.waited
	all, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return 0, nil, err
	}
	for _, dir := range all {
		pid, err := strconv.Atoi(filepath.Base(dir))
		if err != nil {
			continue
		}
		s, err := readStat(pid)
		if errors.Is(err, os.ErrNotExist) || err == nil && s.parent != root {
			continue
		}
		if err != nil {
			continue // it ended while we read
		}
		used += s.own + s.waited
		children = append(children, pid)
	}
	return used, children, nil
}

// parseMemory reads a line of /proc/<pid>/status, such as "VmHWM:   12345 kB", in bytes. 0 where it is not there.
func parseMemory(status, name string) int64 {
	for line := range strings.Lines(status) {
		rest, ok := strings.CutPrefix(line, name+":")
		if !ok {
			continue
		}
		if n, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64); err == nil {
			return n << 10
		}
	}
	return 0
}

// readMemory is the memory of a process. peak: the most that it has had since resetPeak. own: what it has now and shares
// with no other.
func readMemory(pid int) (peak, own int64, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, 0, err
	}
	return parseMemory(string(text), "VmHWM"), parseMemory(string(text), "RssAnon"), nil
}

// resetPeak has the peak of a process begin anew from what it has now. Where that is not allowed it goes on.
func resetPeak(pid int) {
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0)
}
