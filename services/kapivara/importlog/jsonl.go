package importlog

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// maxLine is the longest line that is read, in bytes; a longer one could not be appended anyway.
const maxLine = 4 << 20

// jsonlReader reads one JSON object a line.
type jsonlReader struct {
	lines *bufio.Scanner
	row   int64
	times *timestamps
	opts  Options

	// By the first line: whether events carry their data in the member data, or in all members that are nothing else.
	known, hasData bool
}

func newJSONL(in io.Reader, opts Options) *jsonlReader {
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 0, 64<<10), maxLine)
	return &jsonlReader{lines: lines, times: newTimestamps(opts.TimeLayout), opts: opts}
}

func (j *jsonlReader) next() (unnumbered, error) {
	for j.lines.Scan() {
		j.row++
		line := bytes.TrimSpace(bytes.TrimPrefix(j.lines.Bytes(), []byte("\ufeff")))
		if len(line) == 0 {
			continue
		}
		members, err := membersOf(line)
		if err != nil {
			return unnumbered{}, badRow(j.row, "no JSON object: %v", err)
		}
		if err := j.choose(members.names); err != nil {
			return unnumbered{}, fmt.Errorf("line %d: %w", j.row, err)
		}
		return j.event(members)
	}
	if errors.Is(j.lines.Err(), bufio.ErrTooLong) {
		return unnumbered{}, fmt.Errorf("line %d: longer than %d bytes", j.row+1, maxLine)
	}
	if j.lines.Err() != nil {
		return unnumbered{}, j.lines.Err()
	}
	return unnumbered{}, io.EOF
}

// choose finds the columns by the members of the first line.
func (j *jsonlReader) choose(names []string) error {
	if j.known {
		return nil
	}
	var err error
	if j.opts.Case, err = need("case", j.opts.Case, names); err != nil {
		return err
	}
	if j.opts.Type, err = need("type", j.opts.Type, names); err != nil {
		return err
	}
	if j.opts.Time, err = pick("time", j.opts.Time, names); err != nil {
		return err
	}
	if j.opts.ID == "" {
		j.opts.ID = "id"
	}
	for _, name := range names {
		j.hasData = j.hasData || name == "data"
	}
	j.known = true
	return nil
}

func (j *jsonlReader) event(members object) (unnumbered, error) {
	u := unnumbered{Event: Event{Row: j.row}}
	u.Case, u.Type, u.ID = members.takeText(j.opts.Case), members.takeText(j.opts.Type), members.takeText(j.opts.ID)
	if u.Time = members.takeText(j.opts.Time); u.Time != "" {
		if _, err := time.Parse(time.RFC3339Nano, u.Time); err != nil {
			t, ok := j.times.normal(u.Time)
			if !ok {
				return u, badRow(j.row, "%q is no time that is known here; --time-layout tells how it is written", u.Time)
			}
			u.Time = t
		}
	}
	if position := members.take("position"); position != nil {
		if json.Unmarshal(position, &u.Position) != nil || u.Position < 1 {
			return u, badRow(j.row, "position %s is no number from 1", position)
		}
	}
	if final := members.take("final"); final != nil {
		u.finalKnown = true
		if json.Unmarshal(final, &u.Final) != nil {
			return u, badRow(j.row, "final %s is not true or false", final)
		}
	}
	if u.Data = members.take("data"); u.Data == nil && !j.hasData {
		u.Data = members.bytes()
	}
	return u, u.check()
}

// membersOf takes a JSON object apart; values keep their bytes.
func membersOf(line []byte) (object, error) {
	var o object
	d := json.NewDecoder(bytes.NewReader(line))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return o, errors.Join(errors.New("it does not begin with {"), err)
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return o, err
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return o, err
		}
		o.set(name.(string), value)
	}
	if _, err := d.Token(); err != nil {
		return o, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return o, errors.New("more follows after the object")
	}
	return o, nil
}
