package importlog

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
)

// Log is an open log.
type Log struct {
	Reader
	// Format is how the log is written down.
	Format Format
	file   *os.File
	size   int64
	passes int64
	read   atomic.Int64
	spool  bool
}

// Open opens a log by its path; "-" is the standard input, which, like a pipe, is put into a temporary file first. A gzip
// file is known by its first bytes. opts.Log, where it is "", is made from the path.
func Open(path string, opts Options) (*Log, error) {
	if err := opts.check(); err != nil {
		return nil, err
	}
	l := &Log{passes: 1}
	if err := l.openFile(path); err != nil {
		return nil, err
	}
	if opts.Log == "" {
		opts.Log = LogName(path)
	}
	if err := l.open(path, opts); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

func (l *Log) open(path string, opts Options) error {
	info, err := l.file.Stat()
	if err != nil {
		return err
	}
	if info.IsDir() {
		return fmt.Errorf("%s is a folder", path)
	}
	l.size = info.Size()
	text, err := l.text()
	if err != nil {
		return err
	}
	head, _ := text.Peek(512)
	if len(head) == 0 {
		return fmt.Errorf("%s is empty", path)
	}
	if opts.Format == "" {
		opts.Format = formatOf(path, head)
	}
	if l.Format = opts.Format; l.Format == XES {
		l.Reader = newXES(text, opts)
		return nil
	}
	numbering, err := newNumbering(opts.Log, func() (rows, error) { return l.rows(opts) })
	if err != nil {
		return err
	}
	if !numbering.itself {
		l.passes = 2
	}
	l.read.Store(0)
	l.Reader = numbering
	return nil
}

// rows reads the file from its start.
func (l *Log) rows(opts Options) (rows, error) {
	text, err := l.text()
	if err != nil {
		return nil, err
	}
	if opts.Format == CSV {
		return newCSV(text, opts)
	}
	return newJSONL(text, opts), nil
}

// text is the file from its start, unpacked.
func (l *Log) text() (*bufio.Reader, error) {
	if _, err := l.file.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	raw := bufio.NewReaderSize(&counted{in: l.file, n: &l.read}, 16<<10)
	if magic, _ := raw.Peek(2); string(magic) != "\x1f\x8b" {
		return raw, nil
	}
	unpacked, err := gzip.NewReader(raw)
	if err != nil {
		return nil, fmt.Errorf("gzip: %w", err)
	}
	return bufio.NewReaderSize(unpacked, 64<<10), nil
}

// Progress tells how many of the bytes that have to be read are read, over all passes. Any goroutine may ask.
func (l *Log) Progress() (read, total int64) { return l.read.Load(), l.size * l.passes }

// Close closes the file.
func (l *Log) Close() error {
	err := l.file.Close()
	if l.spool {
		err = errors.Join(err, os.Remove(l.file.Name()))
	}
	return err
}

// counted counts what is read.
type counted struct {
	in io.Reader
	n  *atomic.Int64
}

// Read reads and counts.
func (c *counted) Read(p []byte) (int, error) {
	n, err := c.in.Read(p)
	c.n.Add(int64(n))
	return n, err
}
