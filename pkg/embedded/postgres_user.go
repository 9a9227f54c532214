//go:build unix

package embedded

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// runAs is the user that owns the cluster and runs the server. PostgreSQL refuses to run as root.
type runAs struct {
	name       string
	credential *syscall.Credential // nil: as we are
}

// serverUser is the user we are, or as root the user postgres, else nobody.
func serverUser() (runAs, error) {
	if os.Geteuid() != 0 {
		return runAs{}, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		cred, err := credentialOf(u)
		if err != nil {
			return runAs{}, fmt.Errorf("user %s: %w", name, err)
		}
		return runAs{name: name, credential: cred}, nil
	}
	return runAs{}, errors.New("PostgreSQL refuses to run as root and there is no user postgres or nobody: run as a normal user")
}

func credentialOf(u *user.User) (*syscall.Credential, error) {
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	cred := &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	ids, err := u.GroupIds()
	if err != nil {
		ids = nil // its own group is enough for files that are its own
	}
	for _, id := range ids {
		if gid, err := strconv.ParseUint(id, 10, 32); err == nil {
			cred.Groups = append(cred.Groups, uint32(gid))
		}
	}
	return cred, nil
}

// own gives path to the server's user.
func (r runAs) own(path string) error {
	if r.credential == nil {
		return nil
	}
	return os.Chown(path, int(r.credential.Uid), int(r.credential.Gid))
}

// barrier is the first folder on the way down to path that the server's user may not enter, "" where there is none.
// It reads mode bits alone: an access list that allows more is not seen.
func (r runAs) barrier(path string) string {
	if r.credential == nil {
		return ""
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	for dir, way := "/", splitPath(path); ; way = way[1:] {
		if info, err := os.Stat(dir); err == nil && !r.mayEnter(info) {
			return dir
		}
		if len(way) == 0 {
			return ""
		}
		dir = filepath.Join(dir, way[0])
	}
}

func (r runAs) mayEnter(info os.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.IsDir() {
		return true
	}
	mode := info.Mode().Perm()
	if stat.Uid == r.credential.Uid {
		return mode&0o100 != 0
	}
	for _, gid := range append([]uint32{r.credential.Gid}, r.credential.Groups...) {
		if stat.Gid == gid {
			return mode&0o010 != 0
		}
	}
	return mode&0o001 != 0
}

func splitPath(path string) []string {
	var parts []string
	for path = filepath.Clean(path); path != "/" && path != "."; path = filepath.Dir(path) {
		parts = append([]string{filepath.Base(path)}, parts...)
	}
	return parts
}
