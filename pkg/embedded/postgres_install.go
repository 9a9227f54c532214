//go:build unix

package embedded

import (
	"os/exec"
	"runtime"
	"strconv"
)

// installCommand is the one command that installs PostgreSQL here: of version want, or of any that will do for 0.
func installCommand(want int) string {
	if runtime.GOOS == "darwin" {
		if want == 0 {
			want = bundleMajor
		}
		return "brew install postgresql@" + strconv.Itoa(want)
	}
	for _, known := range []struct{ tool, any, version string }{
		{"apt-get", "apt-get install postgresql", "apt-get install postgresql-"},
		{"apk", "apk add postgresql", "apk add postgresql"},
		{"dnf", "dnf install postgresql-server", "dnf install postgresql"},
		{"zypper", "zypper install postgresql-server", "zypper install postgresql"},
		{"pacman", "pacman -S postgresql", ""},
		{"brew", "brew install postgresql@" + strconv.Itoa(bundleMajor), "brew install postgresql@"},
	} {
		if _, err := exec.LookPath(known.tool); err != nil {
			continue
		}
		switch {
		case want == 0:
			return known.any
		case known.version == "":
			return "the package of PostgreSQL " + strconv.Itoa(want)
		case known.tool == "dnf" || known.tool == "zypper":
			return known.version + strconv.Itoa(want) + "-server"
		}
		return known.version + strconv.Itoa(want)
	}
	if want == 0 || want == bundleMajor {
		return "Node.js, whose npm then fetches PostgreSQL by itself"
	}
	return "PostgreSQL " + strconv.Itoa(want)
}
