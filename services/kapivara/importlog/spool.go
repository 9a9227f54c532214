package importlog

import (
	"errors"
	"io"
	"os"
)

// openFile opens what can be read from its start again; what cannot is put into a file first.
func (l *Log) openFile(path string) error {
	source := os.Stdin
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		if info, err := file.Stat(); err == nil && (info.Mode().IsRegular() || info.IsDir()) {
			l.file = file
			return nil
		}
		defer func() { _ = file.Close() }()
		source = file
	}
	l.spool = true
	var err error
	l.file, err = spool(source)
	return err
}

func spool(in io.Reader) (*os.File, error) {
	file, err := os.CreateTemp("", "kapivara-import-*")
	if err != nil {
		return nil, err
	}
	if _, err := io.Copy(file, in); err != nil {
		return nil, errors.Join(err, file.Close(), os.Remove(file.Name()))
	}
	return file, nil
}
