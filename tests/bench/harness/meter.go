package harness

import (
	"os"
	"runtime"
	"time"
)

// Meter takes what the processes of a stage use between its two ends. Where there is no /proc it gives nothing.
type Meter struct {
	stage *Stage
	began map[string]time.Duration
}

// Meter begins to measure.
func (s *Stage) Meter() *Meter {
	for _, p := range s.counted() {
		resetPeak(p.pid)
	}
	return &Meter{stage: s, began: s.used()}
}

// End gives what each role has used of the processors since, and the most memory that it has had in bytes; of PostgreSQL,
// whose processes share a large part, what they have now and do not share.
func (m *Meter) End() (cpu map[string]time.Duration, memory map[string]int64) {
	now := m.stage.used()
	if len(now) == 0 {
		return nil, nil
	}
	cpu, memory = map[string]time.Duration{}, map[string]int64{}
	for role, used := range now {
		cpu[role] = used - m.began[role]
	}
	for _, p := range m.stage.counted() {
		if p.tree {
			_, children, err := readTree(p.pid)
			if err != nil {
				continue
			}
			for _, child := range append(children, p.pid) {
				if _, own, err := readMemory(child); err == nil {
					memory[p.role] += own
				}
			}
			continue
		}
		if peak, _, err := readMemory(p.pid); err == nil {
			memory[p.role] += peak
		}
	}
	return cpu, memory
}

// counted is a process that the meter counts; with tree its children as well.
type counted struct {
	pid  int
	role string
	tree bool
}

// counted are the processes of the stage and of what it shares, and this one.
func (s *Stage) counted() []counted {
	if runtime.GOOS != "linux" {
		return nil
	}
	all, postgres := s.walk([]counted{{pid: os.Getpid(), role: Client}})
	if postgres {
		if pid, err := s.postmaster(); err == nil {
			all = append(all, counted{pid: pid, role: Postgres, tree: true})
		}
	}
	return all
}

// walk adds the processes of the stage and of those beside it, and tells whether any of them has a database.
func (s *Stage) walk(all []counted) (_ []counted, postgres bool) {
	for _, p := range s.processes {
		if p.alive() {
			all = append(all, counted{pid: p.Pid(), role: p.Role})
		}
	}
	postgres = s.postgres
	for _, beside := range s.beside {
		var has bool
		all, has = beside.walk(all)
		postgres = postgres || has
	}
	return all, postgres
}

// used is what each role has used so far.
func (s *Stage) used() map[string]time.Duration {
	roles := map[string]time.Duration{}
	for _, p := range s.counted() {
		if p.tree {
			if used, _, err := readTree(p.pid); err == nil {
				roles[p.role] += used
			}
			continue
		}
		if used, err := readStat(p.pid); err == nil {
			roles[p.role] += used.own
		}
	}
	return roles
}
