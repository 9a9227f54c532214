//go:build unix

package embedded

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"testing"
)

func TestABundleIsUnpackedWithItsLinks(t *testing.T) {
	t.Parallel()
	place := filepath.Join(t.TempDir(), "place")
	err := installBundle(archiveOf(t, []tar.Header{
		{Name: "package/native/bin/initdb", Mode: 0o755},
		{Name: "package/native/lib/libpq.so.5.17", Mode: 0o600},
		{Name: "package/native/pg-symlinks.json", Mode: 0o644},
	}, `[{"source":"native/lib/libpq.so.5.17","target":"native/lib/libpq.so.5"}]`), filepath.Join(t.TempDir(), "fresh"), place)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.Readlink(filepath.Join(place, "native/lib/libpq.so.5")); err != nil || got != "libpq.so.5.17" {
		t.Errorf("link: got %q, %v", got, err)
	}
	for name, want := range map[string]os.FileMode{"native/bin/initdb": 0o755, "native/lib/libpq.so.5.17": 0o644, "native/lib": 0o755} {
		if info, err := os.Stat(filepath.Join(place, name)); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: got %v, %v; want %v", name, info, err, want)
		}
	}
}

func TestABundleThatReachesOutsideIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		entry tar.Header
		links string
	}{
		"parent":        {entry: tar.Header{Name: "package/../../evil"}},
		"absolute":      {entry: tar.Header{Name: "/tmp/evil"}},
		"other root":    {entry: tar.Header{Name: "elsewhere/evil"}},
		"symbolic link": {entry: tar.Header{Name: "package/link", Typeflag: tar.TypeSymlink, Linkname: "/etc"}},
		"hard link":     {entry: tar.Header{Name: "package/link", Typeflag: tar.TypeLink, Linkname: "/etc/passwd"}},
		"device":        {entry: tar.Header{Name: "package/null", Typeflag: tar.TypeChar}},
		"link source":   {entry: tar.Header{Name: "package/a"}, links: `[{"source":"../../etc","target":"native/x"}]`},
		"link target":   {entry: tar.Header{Name: "package/a"}, links: `[{"source":"a","target":"/tmp/evil"}]`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			place := filepath.Join(t.TempDir(), "place")
			archive := archiveOf(t, []tar.Header{c.entry, {Name: "package/native/pg-symlinks.json"}}, c.links)
			if err := installBundle(archive, filepath.Join(t.TempDir(), "fresh"), place); err == nil {
				t.Error("got nil, want a refusal")
			}
			if _, err := os.Lstat(place); err == nil {
				t.Error("it stands in its place all the same")
			}
		})
	}
}

// archiveOf packs the entries; each file holds content (so the last may be the list of links).
func archiveOf(t *testing.T, entries []tar.Header, content string) string {
	t.Helper()
	if content == "" {
		content = "[]"
	}
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	files := tar.NewWriter(zipped)
	for _, head := range entries {
		if head.Typeflag == 0 {
			head.Typeflag, head.Size = tar.TypeReg, int64(len(content))
		}
		if err := files.WriteHeader(&head); err != nil {
			t.Fatal(err)
		}
		if head.Size > 0 {
			if _, err := files.Write([]byte(content)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := files.Close(); err != nil {
		t.Fatal(err)
	}
	if err := zipped.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "bundle.tgz")
	if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
