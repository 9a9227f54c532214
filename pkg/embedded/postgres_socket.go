//go:build unix

package embedded

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

const (
	socketPort = "5432" // only a part of the socket's name
	// A socket's path has room for 103 bytes on macOS (107 on Linux); "/.s.PGSQL.5432.lock" takes 19 of them.
	maxSocketDir = 80
)

// makeSocketDir makes the folder of the server's socket: 0700, the server user's own, with a short path. It stands in
// the data folder, or in the temporary folder where that one's path is too long or closed to the server's user.
func makeSocketDir(dataDir string, who runAs) (string, error) {
	dir := filepath.Join(dataDir, "run")
	if len(dir) > maxSocketDir || who.barrier(dataDir) != "" {
		sum := sha256.Sum256([]byte(dataDir))
		dir = filepath.Join(shortTempDir(), "kapivara-"+hex.EncodeToString(sum[:6]))
	}
	err := os.Mkdir(dir, 0o700)
	if err != nil && !isOurs(dir, who) {
		// Somebody else's folder of that name: take one that nobody could foresee.
		if dir, err = os.MkdirTemp(shortTempDir(), "kapivara-"); err != nil {
			return "", fmt.Errorf("socket folder: %w", err)
		}
	}
	if err := who.own(dir); err != nil {
		return "", fmt.Errorf("socket folder: %w", err)
	}
	removeSocket(dir) // of a server that a power loss ended: its lock may name a living process by now
	return dir, nil
}

func shortTempDir() string {
	if dir := os.TempDir(); len(dir) < maxSocketDir-len("/kapivara-0123456789ab") {
		return dir
	}
	return "/tmp"
}

// isOurs tells whether dir is a true folder that belongs to the server's user and to nobody else.
func isOurs(dir string, who runAs) bool {
	info, err := os.Lstat(dir)
	if err != nil || !info.IsDir() || info.Mode().Perm() != 0o700 {
		return false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return false
	}
	if who.credential != nil {
		return stat.Uid == who.credential.Uid || stat.Uid == 0
	}
	return int(stat.Uid) == os.Geteuid()
}

// removeSocket removes what a server leaves that was stopped at once.
func removeSocket(dir string) {
	for _, name := range []string{".s.PGSQL." + socketPort, ".s.PGSQL." + socketPort + ".lock"} {
		os.Remove(filepath.Join(dir, name))
	}
}

func removeSocketDir(dir string) {
	removeSocket(dir)
	os.Remove(dir)
}
