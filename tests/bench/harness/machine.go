package harness

import (
	"os"
	"runtime"
	"strings"
)

// Machine is where a run was made.
type Machine struct {
	OS         string `json:"os"`
	Arch       string `json:"arch"`
	CPU        string `json:"cpu"`
	Processors int    `json:"processors"`
	MemoryMiB  int64  `json:"memory_mib"`
	Kernel     string `json:"kernel"`
	Load       string `json:"load"` // the averages of 1, 5 and 15 minutes as the run began: others' work spoils the figures
}

// thisMachine looks at the machine; what it does not tell stays empty.
func thisMachine() Machine {
	m := Machine{OS: runtime.GOOS, Arch: runtime.GOARCH, Processors: runtime.NumCPU()}
	m.MemoryMiB = parseMemory(file("/proc/meminfo"), "MemTotal") >> 20
	m.Kernel = strings.TrimSpace(file("/proc/sys/kernel/osrelease"))
	for line := range strings.Lines(file("/proc/cpuinfo")) {
		if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
			m.CPU = strings.TrimSpace(value)
			break
		}
	}
	if load := strings.Fields(file("/proc/loadavg")); len(load) >= 3 {
		m.Load = strings.Join(load[:3], " ")
	}
	return m
}

// file is the text of a file, empty where it cannot be read.
func file(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return string(text)
}
