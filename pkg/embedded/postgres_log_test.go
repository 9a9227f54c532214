//go:build unix

package embedded

import "testing"

func TestTheLogIsKeptShort(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	log, err := openLog(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	write := func(text string) {
		t.Helper()
		if _, err := log.WriteString(text); err != nil {
			t.Fatal(err)
		}
	}
	write("0123456789")
	shortenLog(log, 10)
	if got := logTail(log.Name(), 0); got != "0123456789" {
		t.Errorf("within the limit: got %q", got)
	}
	write("x")
	shortenLog(log, 10)
	write("next")
	if got := logTail(log.Name(), 0); got != "next" {
		t.Errorf("past the limit: got %q, want what came after", got)
	}
	if got := logTail(log.Name()+".1", 0); got != "123456789x" {
		t.Errorf("before: got %q, want the last 10 bytes", got)
	}
}
