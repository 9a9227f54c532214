//go:build unix

package embedded

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

const maxBundle = 512 << 20 // bytes unpacked; the true ones have 60 MB

// installBundle unpacks the archive into fresh and then moves it to its place in one step. When another process was
// faster, its bundle stays.
func installBundle(archive, fresh, place string) error {
	if err := os.Mkdir(fresh, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(fresh) // nothing that the archive names is written outside of it
	if err != nil {
		return err
	}
	defer root.Close()
	file, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := unpack(file, root); err != nil {
		return err
	}
	if err := linkBundle(root); err != nil {
		return err
	}
	if err := os.Rename(fresh, place); err != nil {
		if _, there := os.Stat(filepath.Join(place, "native", "bin", "initdb")); there != nil {
			return err
		}
	}
	return nil
}

// unpack writes the files of a npm archive (all below package/) into root.
func unpack(archive io.Reader, root *os.Root) error {
	zipped, err := gzip.NewReader(archive)
	if err != nil {
		return err
	}
	files := tar.NewReader(io.LimitReader(zipped, maxBundle))
	for {
		head, err := files.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		name, ok := strings.CutPrefix(head.Name, "package/")
		if !ok || !filepath.IsLocal(name) {
			return fmt.Errorf("entry %q lies outside of the package", head.Name)
		}
		switch head.Typeflag {
		case tar.TypeDir:
			err = makeDirs(root, name)
		case tar.TypeReg:
			err = writeEntry(root, name, head.FileInfo().Mode(), files)
		default:
			err = fmt.Errorf("entry %q is neither file nor folder", head.Name)
		}
		if err != nil {
			return err
		}
	}
}

func writeEntry(root *os.Root, name string, mode os.FileMode, content io.Reader) error {
	if err := makeDirs(root, filepath.Dir(name)); err != nil {
		return err
	}
	file, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, content)
	// The server's user reads them, whatever our umask says.
	err = errors.Join(err, file.Chmod(0o644|mode&0o111), file.Sync(), file.Close())
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// makeDirs makes a folder and those above it, open to all readers whatever the umask says.
func makeDirs(root *os.Root, dir string) error {
	if dir == "." {
		return nil
	}
	if _, err := root.Stat(dir); err == nil {
		return nil
	}
	if err := makeDirs(root, filepath.Dir(dir)); err != nil {
		return err
	}
	return errors.Join(root.Mkdir(dir, 0o755), root.Chmod(dir, 0o755))
}

// linkBundle makes the links that an archive of npm cannot hold; native/pg-symlinks.json lists them.
func linkBundle(root *os.Root) error {
	text, err := root.ReadFile(filepath.Join("native", "pg-symlinks.json"))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var links []struct{ Source, Target string }
	if err := json.Unmarshal(text, &links); err != nil {
		return fmt.Errorf("pg-symlinks.json: %w", err)
	}
	for _, link := range links {
		if !filepath.IsLocal(link.Source) || !filepath.IsLocal(link.Target) {
			return fmt.Errorf("pg-symlinks.json: %q to %q leads outside of the package", link.Target, link.Source)
		}
		source, err := filepath.Rel(filepath.Dir(link.Target), link.Source)
		if err != nil {
			return fmt.Errorf("pg-symlinks.json: %w", err)
		}
		if err := root.Symlink(source, link.Target); err != nil {
			return err
		}
	}
	return nil
}
