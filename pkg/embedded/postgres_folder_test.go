//go:build unix

package embedded_test

import (
	"os"
	osexec "os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"kapivara/pkg/embedded"
)

func TestPostgresWorksInAFolderWithALongPath(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(shortDir(t), strings.Repeat("a-long-name/", 12), "data")
	pg := startPostgres(t, embedded.PostgresConfig{DataDir: dir})
	if got := answer(t, pg, "select 'well'"); got != "well" {
		t.Errorf("got %q", got)
	}
}

// As root the server runs as another user, who cannot pass through a folder like /root.
func TestPostgresWorksBelowAFolderThatIsClosedToOthers(t *testing.T) {
	t.Parallel()
	closed := filepath.Join(shortDir(t), "closed")
	if err := os.Mkdir(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	cfg := embedded.PostgresConfig{DataDir: filepath.Join(closed, "data")}
	pg := startPostgres(t, cfg)
	exec(t, pg, "create table kept as select 'here' as word")
	stopPostgres(t, pg)
	if got := answer(t, startPostgres(t, cfg), "select word from kept"); got != "here" {
		t.Errorf("after a restart: got %q, want %q", got, "here")
	}
}

func TestPostgresOfOneFolderStartsOnce(t *testing.T) {
	t.Parallel()
	cfg := embedded.PostgresConfig{DataDir: shortDir(t)}
	startPostgres(t, cfg)
	_, err := embedded.StartPostgres(t.Context(), cfg)
	if err == nil || !strings.Contains(err.Error(), "in use by process "+strconv.Itoa(os.Getpid())) {
		t.Errorf("second start: got %v, want one that names process %d", err, os.Getpid())
	}
}

// A power loss leaves the pid file behind, and its number may be another process's by the next start.
func TestPostgresStartsOverAStalePidFile(t *testing.T) {
	t.Parallel()
	dir := shortDir(t)
	cfg := embedded.PostgresConfig{DataDir: dir}
	stopPostgres(t, startPostgres(t, cfg))

	other := osexec.Command("sleep", "600")
	other.SysProcAttr = &syscall.SysProcAttr{Credential: ownerOf(t, filepath.Join(dir, "pgdata"))}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = other.Process.Kill(); _ = other.Wait() })
	pidFile := strconv.Itoa(other.Process.Pid) + "\n" + filepath.Join(dir, "pgdata") + "\n1700000000\n5432\n/tmp\n\n  0  0\nready   \n"
	if err := os.WriteFile(filepath.Join(dir, "pgdata", "postmaster.pid"), []byte(pidFile), 0o600); err != nil {
		t.Fatal(err)
	}
	run := filepath.Join(dir, "run")
	if err := os.Mkdir(run, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(run, ".s.PGSQL.5432.lock"), []byte(pidFile), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := answer(t, startPostgres(t, cfg), "select 'well'"); got != "well" {
		t.Errorf("got %q", got)
	}
}

// ownerOf is whom path belongs to, nil when that is who we are.
func ownerOf(t *testing.T, path string) *syscall.Credential {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	stat := info.Sys().(*syscall.Stat_t)
	if int(stat.Uid) == os.Geteuid() {
		return nil
	}
	return &syscall.Credential{Uid: stat.Uid, Gid: stat.Gid}
}

func TestPostgresOfAnotherVersionIsRefused(t *testing.T) {
	t.Parallel()
	dir := shortDir(t)
	if err := os.MkdirAll(filepath.Join(dir, "pgdata"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "pgdata", "PG_VERSION"), []byte("9\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := embedded.StartPostgres(t.Context(), embedded.PostgresConfig{DataDir: dir, CacheDir: filepath.Join(dir, "cache")})
	if err == nil || !strings.Contains(err.Error(), "the data folder was made by PostgreSQL 9") {
		t.Errorf("got %v, want an error that names version 9", err)
	}
}

func TestPostgresNamesAFolderWithoutPrograms(t *testing.T) {
	t.Parallel()
	dir := shortDir(t)
	_, err := embedded.StartPostgres(t.Context(), embedded.PostgresConfig{DataDir: filepath.Join(dir, "data"), PGBin: dir})
	if err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("got %v, want an error that names %s", err, dir)
	}
}

func TestPostgresNeedsADataFolder(t *testing.T) {
	t.Parallel()
	if _, err := embedded.StartPostgres(t.Context(), embedded.PostgresConfig{}); err == nil {
		t.Error("got nil, want an error")
	}
}

// The environment of whoever starts us must not reach the server.
func TestPostgresDropsPGEnvironment(t *testing.T) {
	t.Setenv("PGDATA", "/nowhere")
	t.Setenv("PGPORT", "1")
	t.Setenv("PGOPTIONS", "-c nonsense=1")
	t.Setenv("PGHOST", "nowhere.invalid")
	pg := startPostgres(t, embedded.PostgresConfig{DataDir: shortDir(t)})
	for _, name := range []string{"PGDATA", "PGPORT", "PGOPTIONS", "PGHOST"} {
		if err := os.Unsetenv(name); err != nil { // the driver below reads them too
			t.Fatal(err)
		}
	}
	if got := answer(t, pg, "select current_setting('port')"); got != "5432" {
		t.Errorf("port: got %s, want 5432", got)
	}
}

// Root runs these tests once more as a normal user, in a copy of this binary that the user can reach.
func TestPostgresAsANormalUser(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("this is a normal user's run already")
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		t.Skipf("needs a user nobody: %v", err)
	}
	uid, _ := strconv.Atoi(nobody.Uid)
	gid, _ := strconv.Atoi(nobody.Gid)
	dir := shortDir(t)
	binary := filepath.Join(dir, "embedded.test")
	text, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	syscall.ForkLock.RLock() // a child forked meanwhile would hold the file open for writing, and "text file busy" follow
	err = os.WriteFile(binary, text, 0o755)
	syscall.ForkLock.RUnlock()
	if err != nil {
		t.Fatal(err)
	}
	run := osexec.CommandContext(t.Context(), binary, "-test.run=^TestPostgres(Keeps|WorksInAFolder|StartsOver|Dies)", "-test.timeout=8m")
	run.Dir = dir
	run.Env = append(os.Environ(), "HOME="+dir)
	run.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	run.WaitDelay = time.Second
	if out, err := run.CombinedOutput(); err != nil {
		t.Errorf("as nobody: %v\n%s", err, out)
	}
}
