package harness

import (
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"
)

func TestStatIsReadBehindTheNameWhateverThatIs(t *testing.T) {
	t.Parallel()
	const line = "4242 (postgres: a) b (c) S 17 4242 4242 0 -1 4194560 1234 5678 0 1 250 50 1000 200 20 0 3 0 99 1 2\n"
	got, err := parseStat(line)
	if err != nil {
		t.Fatal(err)
	}
	if want := (stat{parent: 17, own: 3 * time.Second, waited: 12 * time.Second}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	for _, wrong := range []string{"", "4242 (x", "4242 (x) S 1 2 3", "4242 (x) S 1 1 1 0 -1 0 0 0 0 0 a b c d 0 0"} {
		if _, err := parseStat(wrong); err == nil {
			t.Errorf("%q: got no error", wrong)
		}
	}
}

func TestMemoryIsReadInBytes(t *testing.T) {
	t.Parallel()
	const status = "Name:\twriter\nVmPeak:\t  999 kB\nVmHWM:\t   2048 kB\nRssAnon:\t     3 kB\nThreads:\t9\n"
	if got := parseMemory(status, "VmHWM"); got != 2<<20 {
		t.Errorf("VmHWM: got %d, want 2 MiB", got)
	}
	if got := parseMemory(status, "RssAnon"); got != 3<<10 {
		t.Errorf("RssAnon: got %d, want 3 KiB", got)
	}
	if got := parseMemory(status, "VmSwap"); got != 0 {
		t.Errorf("VmSwap, which is not there: got %d, want 0", got)
	}
}

// A child's time counts when it still runs and when it has ended: PostgreSQL's backends come and go.
func TestTheTreeOfAProcessHoldsItsChildrenAndThoseThatHaveEnded(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("/proc is Linux's")
	}
	burn := "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done"
	cmd := exec.Command("/bin/sh", "-c", "("+burn+"); echo ended; ("+burn+"; echo burnt; read -r _); true")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
	buf := make([]byte, 64)
	read := func(want int) {
		for n := 0; n < want; {
			got, err := out.Read(buf)
			if err != nil {
				t.Fatal(err)
			}
			n += got
		}
	}
	read(len("ended\n"))
	once, _, err := readTree(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	read(len("burnt\n"))
	twice, children, err := readTree(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	if once < tick || twice < once+tick || len(children) != 1 {
		t.Errorf("got %v after one child, %v after two, %d children; want time of both, and one that runs", once, twice, len(children))
	}
	if self, err := readStat(os.Getpid()); err != nil || self.parent != os.Getppid() {
		t.Errorf("this process: got %+v, %v, want parent %d", self, err, os.Getppid())
	}
}
