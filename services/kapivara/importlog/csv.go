package importlog

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// csvReader reads rows under a header. It numbers nothing: see numbering.
type csvReader struct {
	csv   *csv.Reader
	names []string
	times *timestamps

	caseAt, typeAt, timeAt, idAt int // -1 where there is none
}

func newCSV(in io.Reader, opts Options) (*csvReader, error) {
	text := bufio.NewReaderSize(in, 64<<10)
	if mark, _ := text.Peek(3); string(mark) == "\ufeff" {
		_, _ = text.Discard(3)
	}
	delimiter := opts.Delimiter
	if delimiter == "" {
		delimiter = guessDelimiter(text)
	}
	r := csv.NewReader(text)
	r.Comma, _ = utf8.DecodeRuneInString(delimiter)
	r.LazyQuotes = true
	r.FieldsPerRecord = -1
	header, err := r.Read()
	if err != nil {
		if errors.Is(err, io.EOF) {
			return nil, errors.New("csv: the file is empty; its first line names the columns")
		}
		return nil, fmt.Errorf("csv: header: %w", err)
	}
	c := &csvReader{csv: r, names: header, times: newTimestamps(opts.TimeLayout)}
	r.ReuseRecord = true
	return c, c.columns(opts)
}

// columns finds which column is what.
func (c *csvReader) columns(opts Options) error {
	at := map[string]int{"": -1}
	for i, name := range c.names {
		c.names[i] = strings.TrimSpace(name)
		at[c.names[i]] = i
	}
	caseCol, err := need("case", opts.Case, c.names)
	if err != nil {
		return err
	}
	typeCol, err := need("type", opts.Type, c.names)
	if err != nil {
		return err
	}
	timeCol, err := pick("time", opts.Time, c.names)
	if err != nil {
		return err
	}
	idCol := ""
	if opts.ID != "" {
		if idCol, err = pick("id", opts.ID, c.names); err != nil {
			return err
		}
	}
	c.caseAt, c.typeAt, c.timeAt, c.idAt = at[caseCol], at[typeCol], at[timeCol], at[idCol]
	return nil
}

// guessDelimiter takes the sign that the header has most of.
func guessDelimiter(text *bufio.Reader) string {
	head, _ := text.Peek(64 << 10)
	line, _, _ := strings.Cut(string(head), "\n")
	best, most := ",", 0
	for _, sign := range []string{",", ";", "\t", "|"} {
		if n := strings.Count(line, sign); n > most {
			best, most = sign, n
		}
	}
	return best
}

func (c *csvReader) next() (unnumbered, error) {
	fields, err := c.csv.Read()
	if errors.Is(err, io.EOF) {
		return unnumbered{}, io.EOF
	}
	if err != nil {
		return unnumbered{}, fmt.Errorf("csv: %w", err)
	}
	line, _ := c.csv.FieldPos(0)
	u := unnumbered{Event: Event{Row: int64(line)}}
	if len(fields) > len(c.names) {
		return u, badRow(u.Row, "%d fields under %d columns", len(fields), len(c.names))
	}
	var data object
	for i, value := range fields {
		switch {
		case i == c.caseAt:
			u.Case = strings.Clone(value)
		case i == c.typeAt:
			u.Type = strings.Clone(value)
		case i == c.timeAt:
			if value == "" {
				continue
			}
			t, ok := c.times.normal(value)
			if !ok {
				return u, badRow(u.Row, "%q is no time that is known here; --time-layout tells how it is written", value)
			}
			u.Time = t
		case i == c.idAt:
			u.ID = strings.Clone(value)
		case value != "":
			data.set(c.names[i], quoted(value))
		}
	}
	u.Data = data.bytes()
	return u, u.check()
}
