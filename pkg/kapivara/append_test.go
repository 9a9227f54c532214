package kapivara

import (
	"errors"
	"fmt"
	"testing"
)

func event(id string, position int, final bool) NewEvent {
	return NewEvent{ID: EventID(id), Type: "opened", Position: position, Final: final, Kind: JSONData, Data: []byte("1")}
}

func events(n int) (all []NewEvent) {
	for i := range n {
		all = append(all, event(fmt.Sprint(i), 0, false))
	}
	return all
}

func TestARequestIsCheckedByItself(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		events []NewEvent
		code   Code
		path   string
	}{
		"none":                        {nil, InvalidRequest, "events"},
		"1,000":                       {events(1000), "", ""},
		"1,001":                       {events(1001), TooLarge, ""},
		"an id twice":                 {[]NewEvent{event("a", 0, false), event("b", 0, false), event("a", 0, false)}, InvalidRequest, "events[2].id"},
		"a position twice":            {[]NewEvent{event("a", 7, false), event("b", 7, false)}, InvalidRequest, "events[1].position"},
		"a position for some":         {[]NewEvent{event("a", 7, false), event("b", 0, false)}, InvalidRequest, "events[1].position"},
		"no position for some":        {[]NewEvent{event("a", 0, false), event("b", 1, false)}, InvalidRequest, "events[1].position"},
		"two finals":                  {[]NewEvent{event("a", 1, true), event("b", 2, true)}, InvalidRequest, "events[1].final"},
		"a final below another":       {[]NewEvent{event("a", 3, false), event("b", 2, true)}, InvalidRequest, "events[1].final"},
		"a final before another":      {[]NewEvent{event("a", 0, true), event("b", 0, false)}, InvalidRequest, "events[0].final"},
		"a final in the middle, high": {[]NewEvent{event("a", 1, false), event("b", 9, true), event("c", 2, false)}, "", ""},
		"a final at the end":          {[]NewEvent{event("a", 0, false), event("b", 0, true)}, "", ""},
		"one, final":                  {[]NewEvent{event("a", 5, true)}, "", ""},
	} {
		a := &Append{Stream: "a/b/c/d", Events: c.events}
		err := a.Check()
		var refusal *Error
		if !errors.As(err, &refusal) {
			refusal = &Error{}
		}
		if (err == nil) != (c.code == "") || refusal.Code != c.code || refusal.Facts.Path != c.path {
			t.Errorf("%s: got %v at %q, want %q at %q", name, err, refusal.Facts.Path, c.code, c.path)
		}
	}
}

func TestTooManyEventsTellsTheLimit(t *testing.T) {
	t.Parallel()
	var refusal *Error
	if !errors.As((&Append{Events: events(1200)}).Check(), &refusal) || *refusal.Facts.Limit != 1000 || *refusal.Facts.Size != 1200 {
		t.Errorf("got %+v", refusal)
	}
}

// Positions end at 2147483647; the store gives none above.
func TestAStreamIsFullAtTheLastPosition(t *testing.T) {
	t.Parallel()
	head := &Head{Stream: "a/b/c/d"}
	head.Add(MaxPosition-1, false)
	a := &Append{Stream: "a/b/c/d", Events: []NewEvent{event("a", 0, false), event("b", 0, false)}}
	_, err := Decide(a, head, Known{}, Rules{})
	var refusal *Error
	if !errors.As(err, &refusal) || refusal.Code != InvalidRequest || refusal.Facts.Path != "events[1].position" {
		t.Errorf("got %v", err)
	}
	a.Events = a.Events[:1]
	if d, err := Decide(a, head, Known{}, Rules{}); err != nil || d.Events[0].Position != MaxPosition {
		t.Errorf("the last position: %+v, %v", d, err)
	}
}

// A decision changes nothing: neither the append, nor the head, nor what is known.
func TestADecisionChangesNothing(t *testing.T) {
	t.Parallel()
	stored := &Event{NewEvent: event("a", 1, false), Stream: "a/b/c/d", LogPosition: 7}
	head := &Head{Stream: "a/b/c/d", No: 3}
	head.Add(1, false)
	known := Known{ByID: map[EventID]*Event{"a": stored}, At: map[int]EventID{1: "a"}}
	a := &Append{Stream: "a/b/c/d", Events: []NewEvent{event("a", 0, false), event("b", 0, true)}}
	before := fmt.Sprintf("%+v %+v %+v %+v", a, head, known.At, *stored)
	d, err := Decide(a, head, known, Rules{})
	if err != nil || d.New != 1 {
		t.Fatalf("%+v, %v", d, err)
	}
	if after := fmt.Sprintf("%+v %+v %+v %+v", a, head, known.At, *stored); after != before {
		t.Errorf("before %s\nafter  %s", before, after)
	}
	if completed, grown := d.Apply(a, head, 9); completed != 9 || grown != 9 || head.Finish != 2 || head.Version != 2 || head.Completed != 9 {
		t.Errorf("applied: completed at %d, %+v", completed, head)
	}
	if d.Events[0].LogPosition != 7 || d.Events[1].LogPosition != 9 {
		t.Errorf("log positions %+v", d.Events)
	}
}

// The log position that completes a stream is that of the event that filled it, not of the final one or the last.
func TestTheCompletingEventIsFoundInTheMiddleOfARequest(t *testing.T) {
	t.Parallel()
	head := &Head{Stream: "a/b/c/d"}
	head.Add(3, true)
	head.Add(1, false)
	a := &Append{Stream: "a/b/c/d", Events: []NewEvent{event("b", 2, false)}}
	d, err := Decide(a, head, Known{}, Rules{})
	if err != nil {
		t.Fatal(err)
	}
	if completed, grown := d.Apply(a, head, 40); completed != 40 || grown != 40 {
		t.Errorf("completed at %d, want 40", completed)
	}
	whole := &Head{Stream: "a/b/c/e"}
	a = &Append{Stream: "a/b/c/e", Events: []NewEvent{event("c", 3, true), event("d", 1, false), event("e", 2, false)}}
	if d, err = Decide(a, whole, Known{}, Rules{}); err != nil {
		t.Fatal(err)
	}
	if completed, grown := d.Apply(a, whole, 50); completed != 52 || grown != 52 {
		t.Errorf("completed at %d, want 52", completed)
	}
}

// T-17: a refusal does not tell of streams to which the publisher may not append.
func TestAReusedIDIsShownOnlyToWhomMaySeeItsStream(t *testing.T) {
	t.Parallel()
	stored := &Event{NewEvent: event("a", 4, false), Stream: "x/y/z/1"}
	known := Known{ByID: map[EventID]*Event{"a": stored}}
	a := &Append{Stream: "a/b/c/d", Events: []NewEvent{event("a", 0, false)}}
	for visible, rules := range map[bool]Rules{
		true:  {Visible: func(s Stream) bool { return s == "x/y/z/1" }},
		false: {Visible: func(s Stream) bool { return s == "a/b/c/d" }},
	} {
		_, err := Decide(a, &Head{}, known, rules)
		var refusal *Error
		if !errors.As(err, &refusal) || refusal.Code != EventIDReused || refusal.Facts.ID != "a" ||
			(refusal.Facts.Stream == "x/y/z/1") != visible || (refusal.Facts.Position != nil) != visible {
			t.Errorf("visible %v: %+v", visible, refusal)
		}
	}
}
