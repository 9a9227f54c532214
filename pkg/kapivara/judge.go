package kapivara

// The judges of an append, in the order of protocol section 3. Each looks at the events that are not repeats and names
// the first in request order to which it applies.

const missingShown = 100

// judge refuses an append, or finds nothing against it.
type judge func(*Append, *Head, Known, Rules, *Decision) error

func judgeVersion(a *Append, head *Head, _ Known, _ Rules, _ *Decision) error {
	if !a.Expect.Holds(head.Version) {
		return &Error{
			Code:    WrongVersion,
			Message: "expected " + a.Expect.String() + "; read the stream and decide again",
			Facts:   Facts{Stream: string(a.Stream), Expected: &a.Expect, Actual: &head.Version},
		}
	}
	return nil
}

func judgeCanary(a *Append, head *Head, _ Known, _ Rules, _ *Decision) error {
	if a.Canary != nil && head.Version > 0 && *a.Canary != head.Canary {
		return &Error{
			Code:    CanaryMismatch,
			Message: "the stream was begun with the other canary flag; leave canary out",
			Facts:   Facts{Stream: string(a.Stream)},
		}
	}
	return nil
}

func judgeID(_ *Append, _ *Head, known Known, rules Rules, d *Decision) error {
	for i := range d.Events {
		s := known.ByID[d.Events[i].ID]
		if !d.Events[i].Stored || s == nil {
			continue
		}
		err := &Error{
			Code:    EventIDReused,
			Message: "the id is stored with another stream, type, position, final or data; a new event needs a new id",
			Facts:   Facts{ID: string(s.ID)},
		}
		if rules.Visible != nil && rules.Visible(s.Stream) {
			err.Facts.Stream, err.Facts.Position = string(s.Stream), &s.Position
		}
		return err
	}
	return nil
}

func judgePosition(a *Append, head *Head, known Known, _ Rules, d *Decision) error {
	for i := range d.Events {
		p := d.Events[i].Position
		switch {
		case !d.Events[i].Stored:
		case p > MaxPosition:
			return Invalid(field(i, "position"), "the stream is full: a position is at most %d", MaxPosition)
		case head.Has(p):
			return &Error{
				Code:    PositionTaken,
				Message: "the position holds another event; leave the positions out to take the next ones",
				Facts:   Facts{Stream: string(a.Stream), Position: &p, StoredID: string(known.At[p])},
			}
		}
	}
	return nil
}

func judgeFinished(a *Append, head *Head, _ Known, _ Rules, d *Decision) error {
	for i := range d.Events {
		if d.Events[i].Stored && head.Finish > 0 && d.Events[i].Position > head.Finish {
			missing := head.Missing(missingShown)
			if missing == nil {
				missing = []Range{}
			}
			return &Error{
				Code:    StreamFinished,
				Message: "the position is after the finish position; only what is missing can still be stored",
				Facts:   Facts{Stream: string(a.Stream), Finish: &head.Finish, Missing: missing},
			}
		}
	}
	return nil
}

func judgeFinish(a *Append, head *Head, _ Known, _ Rules, d *Decision) error {
	for i := range d.Events {
		switch {
		case !d.Events[i].Stored || !a.Events[i].Final:
		case head.Finish > 0:
			return &Error{
				Code:    FinishConflict,
				Message: "the stream has its finish position already; send the event without final",
				Facts:   Facts{Stream: string(a.Stream), Finish: &head.Finish},
			}
		case d.Events[i].Position < head.Version:
			return &Error{
				Code:    FinishConflict,
				Message: "a position above this one is stored; the final event has the highest position",
				Facts:   Facts{Stream: string(a.Stream), Version: &head.Version},
			}
		}
	}
	return nil
}

func judgeSchema(_ *Append, _ *Head, _ Known, rules Rules, d *Decision) error {
	for i := range d.Events {
		if !d.Events[i].Stored || rules.Schema == nil {
			continue
		}
		if err := rules.Schema(i); err != nil {
			return err
		}
	}
	return nil
}
