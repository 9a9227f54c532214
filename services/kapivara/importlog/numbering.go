package importlog

import (
	"errors"
	"io"
)

// unnumbered is an event whose place in its case is not known yet.
type unnumbered struct {
	Event           // Position 0 where the row has none
	finalKnown bool // Final holds
}

func (u *unnumbered) check() error {
	switch {
	case u.Case == "":
		return badRow(u.Row, "no case")
	case u.Type == "":
		return badRow(u.Row, "no event type")
	}
	return nil
}

// rows gives a log's events without places; a *BadRow is no end.
type rows interface {
	next() (unnumbered, error)
}

// tally is what is known of a case.
type tally struct {
	total int // events in the whole log
	last  int // highest position given
	seen  int // events given out
}

// numbering gives each event its place: the position that its row has, else the next of its case in log order, and final
// to the last one of the case. It reads a log twice, since only its end tells which event is the last one of a case; a
// log whose rows all say so themselves is read once.
type numbering struct {
	log    string
	again  func() (rows, error) // reads from the start
	rows   rows
	cases  map[string]*tally
	itself bool // the rows have positions and say which are final
}

// newNumbering reads the log's first row, to see whether rows say it all.
func newNumbering(log string, again func() (rows, error)) (*numbering, error) {
	first, err := again()
	if err != nil {
		return nil, err
	}
	n := &numbering{log: log, again: again, cases: map[string]*tally{}}
	u, err := first.next()
	for bad := (*BadRow)(nil); errors.As(err, &bad); {
		u, err = first.next()
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	n.itself = u.Position > 0 && u.finalKnown
	return n, nil
}

// count is the first pass.
func (n *numbering) count() error {
	for {
		u, err := n.rows.next()
		if bad := (*BadRow)(nil); errors.As(err, &bad) {
			continue
		}
		if errors.Is(err, io.EOF) {
			n.rows, err = n.again()
			return err
		}
		if err != nil {
			return err
		}
		t := n.cases[u.Case]
		if t == nil {
			t = &tally{}
			n.cases[u.Case] = t
		}
		t.total++
		t.last = max(t.last, u.Position)
	}
}

// Next numbers the next row.
func (n *numbering) Next() (Event, error) {
	if n.rows == nil {
		var err error
		if n.rows, err = n.again(); err != nil {
			return Event{}, err
		}
		if !n.itself {
			if err := n.count(); err != nil {
				return Event{}, err
			}
		}
	}
	u, err := n.rows.next()
	if err != nil {
		return Event{}, err
	}
	if err := n.place(&u); err != nil {
		return Event{}, err
	}
	if u.ID == "" {
		u.ID = eventID(n.log, u.Case, u.Position)
	}
	return u.Event, nil
}

func (n *numbering) place(u *unnumbered) error {
	if n.itself {
		if u.Position == 0 {
			return badRow(u.Row, "no position, though the first row has one")
		}
		return nil
	}
	t := n.cases[u.Case]
	if t == nil {
		return badRow(u.Row, "the file has changed while it was read")
	}
	t.seen++
	if u.Position == 0 {
		u.Position = t.seen
	}
	if !u.finalKnown {
		last := t.total
		if t.last > 0 {
			last = t.last
		}
		u.Final = u.Position == last
	}
	if t.seen == t.total {
		delete(n.cases, u.Case)
	}
	return nil
}
