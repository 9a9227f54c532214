package kapivara_test

import (
	"errors"
	"fmt"
	"reflect"
	"testing"

	"kapivara/pkg/kapivara"
)

// part is an append of events with these ids, to a stream of this id.
func part(stream string, expect kapivara.Expect, ids ...string) kapivara.Append {
	a := kapivara.Append{Stream: kapivara.Stream("a/b/c/" + stream), Expect: expect}
	for _, id := range ids {
		a.Events = append(a.Events, kapivara.NewEvent{ID: kapivara.EventID(id), Type: "t"})
	}
	return a
}

func anyPart(stream string, ids ...string) kapivara.Append {
	return part(stream, kapivara.ExpectAny(), ids...)
}

func refusalOf(t *testing.T, err error) *kapivara.Error {
	t.Helper()
	var refusal *kapivara.Error
	if !errors.As(err, &refusal) {
		t.Fatalf("got %v, want a refusal", err)
	}
	return refusal
}

func TestAppendManyIsCheckedAsAWhole(t *testing.T) {
	t.Parallel()
	full := func(stream string, n int) kapivara.Append {
		a := anyPart(stream)
		for i := range n {
			a.Events = append(a.Events, kapivara.NewEvent{ID: kapivara.EventID(fmt.Sprint(stream, i)), Type: "t"})
		}
		return a
	}
	for name, c := range map[string]struct {
		m      kapivara.AppendMany
		code   kapivara.Code
		path   string
		append int
	}{
		"nothing":                {kapivara.AppendMany{}, kapivara.InvalidRequest, "appends", -1},
		"conditions alone":       {kapivara.AppendMany{Conditions: []kapivara.Condition{{Stream: "a/b/c/d"}}}, "", "", -1},
		"two streams":            {kapivara.AppendMany{Appends: []kapivara.Append{anyPart("A", "1"), anyPart("B", "2")}}, "", "", -1},
		"a stream twice":         {kapivara.AppendMany{Appends: []kapivara.Append{anyPart("A", "1"), anyPart("A", "2")}}, kapivara.InvalidRequest, "appends[1].stream", 1},
		"an id in two":           {kapivara.AppendMany{Appends: []kapivara.Append{anyPart("A", "1"), anyPart("B", "2", "1")}}, kapivara.InvalidRequest, "appends[1].events[1].id", 1},
		"an id twice in one":     {kapivara.AppendMany{Appends: []kapivara.Append{anyPart("A", "1"), anyPart("B", "2", "2")}}, kapivara.InvalidRequest, "appends[1].events[1].id", 1},
		"an append of none":      {kapivara.AppendMany{Appends: []kapivara.Append{anyPart("A", "1"), anyPart("B")}}, kapivara.InvalidRequest, "appends[1].events", 1},
		"a thousand":             {kapivara.AppendMany{Appends: []kapivara.Append{full("A", 500), full("B", 500)}}, "", "", -1},
		"a thousand and one":     {kapivara.AppendMany{Appends: []kapivara.Append{full("A", 500), full("B", 501)}}, kapivara.TooLarge, "", -1},
		"as many conditions":     {kapivara.AppendMany{Conditions: make([]kapivara.Condition, kapivara.MaxConditions)}, "", "", -1},
		"one condition too many": {kapivara.AppendMany{Conditions: make([]kapivara.Condition, kapivara.MaxConditions+1)}, kapivara.TooLarge, "", -1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := c.m.Check()
			if c.code == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			refusal := refusalOf(t, err)
			if refusal.Code != c.code || refusal.Facts.Path != c.path {
				t.Errorf("got %v at %q, want %s at %q", refusal, refusal.Facts.Path, c.code, c.path)
			}
			if got := refusal.Facts.Append; (got == nil) != (c.append < 0) || got != nil && *got != c.append {
				t.Errorf("the refusal names append %v, want %d", got, c.append)
			}
		})
	}
}

// store is what some streams hold, for DecideMany.
type store map[kapivara.Stream]*kapivara.Head

func (s store) head(name kapivara.Stream) *kapivara.Head {
	if s[name] == nil {
		s[name] = &kapivara.Head{Stream: name}
	}
	return s[name]
}

func storeOf(versions map[string]int) store {
	s := store{}
	for id, version := range versions {
		name := kapivara.Stream("a/b/c/" + id)
		s[name] = &kapivara.Head{No: 1, Stream: name, Version: version, Contiguous: version}
	}
	return s
}

func decideMany(m *kapivara.AppendMany, s store, known ...kapivara.Known) ([]kapivara.Decision, error) {
	for len(known) < len(m.Appends) {
		known = append(known, kapivara.Known{})
	}
	return kapivara.DecideMany(m, s.head, known, make([]kapivara.Rules, len(m.Appends)))
}

func TestAppendManyListsEveryExpectationThatFails(t *testing.T) {
	t.Parallel()
	s := storeOf(map[string]int{"A": 3, "B": 2, "D": 5})
	m := &kapivara.AppendMany{
		Appends: []kapivara.Append{anyPart("X", "1"), part("A", kapivara.ExpectVersion(2), "2"), part("B", kapivara.ExpectVersion(2), "3")},
		Conditions: []kapivara.Condition{
			{Stream: "a/b/c/C", Expect: kapivara.ExpectExists()},
			{Stream: "a/b/c/D", Expect: kapivara.ExpectVersion(5)},
			{Stream: "a/b/c/B", Expect: kapivara.ExpectNew()},
		},
	}
	_, err := decideMany(m, s)
	refusal := refusalOf(t, err)
	want := []kapivara.Violation{
		{Stream: "a/b/c/A", Expected: kapivara.ExpectVersion(2), Actual: 3},
		{Stream: "a/b/c/C", Expected: kapivara.ExpectExists()},
		{Stream: "a/b/c/B", Expected: kapivara.ExpectNew(), Actual: 2},
	}
	f := refusal.Facts
	if refusal.Code != kapivara.WrongVersion || !reflect.DeepEqual(f.Violations, want) {
		t.Fatalf("got %v with %+v, want wrong_version with %+v", refusal, f.Violations, want)
	}
	if f.Append == nil || *f.Append != 1 || f.Stream != "a/b/c/A" || *f.Expected != kapivara.ExpectVersion(2) || *f.Actual != 3 {
		t.Errorf("the facts are not the first violation's: %+v", f)
	}
	m.Appends[1].Expect = kapivara.ExpectAny()
	_, err = decideMany(m, s)
	if f := refusalOf(t, err).Facts; f.Append != nil || f.Stream != "a/b/c/C" || len(f.Violations) != 2 {
		t.Errorf("only conditions fail, the facts are %+v", f)
	}
}

// Protocol section 3: code by code over the whole request, then in request order.
func TestAppendManyIsJudgedCodeByCode(t *testing.T) {
	t.Parallel()
	s := storeOf(map[string]int{"A": 3, "B": 3})
	s["a/b/c/B"].Canary = true
	canary := false
	taken := anyPart("A", "1")
	taken.Events[0].Position = 2
	mismatch := anyPart("B", "2")
	mismatch.Canary = &canary
	reused := kapivara.Known{ByID: map[kapivara.EventID]*kapivara.Event{"2": {Stream: "a/b/c/other", NewEvent: kapivara.NewEvent{ID: "2"}}}}
	m := &kapivara.AppendMany{Appends: []kapivara.Append{taken, mismatch}}
	for _, want := range []kapivara.Code{kapivara.CanaryMismatch, kapivara.EventIDReused, kapivara.PositionTaken} {
		_, err := decideMany(m, s, kapivara.Known{}, reused)
		refusal := refusalOf(t, err)
		index := 1
		if want == kapivara.PositionTaken {
			index = 0
		}
		if refusal.Code != want || refusal.Facts.Append == nil || *refusal.Facts.Append != index {
			t.Errorf("got %v of append %v, want %s of append %d", refusal, refusal.Facts.Append, want, index)
		}
		if want == kapivara.CanaryMismatch {
			m.Appends[1].Canary = nil
		} else {
			reused = kapivara.Known{}
		}
	}
}

func TestConditionsConcernWhatIsNew(t *testing.T) {
	t.Parallel()
	s := storeOf(map[string]int{"A": 1})
	stored := kapivara.Known{ByID: map[kapivara.EventID]*kapivara.Event{
		"1": {Stream: "a/b/c/A", NewEvent: kapivara.NewEvent{ID: "1", Type: "t", Position: 1}, LogPosition: 7},
	}}
	never := []kapivara.Condition{{Stream: "a/b/c/C", Expect: kapivara.ExpectExists()}}
	repeats := &kapivara.AppendMany{Appends: []kapivara.Append{part("A", kapivara.ExpectNew(), "1")}, Conditions: never}
	decisions, err := decideMany(repeats, s, stored)
	if err != nil || decisions[0].New != 0 || decisions[0].Events[0].LogPosition != 7 {
		t.Errorf("repeats alone: got %+v, %v, want the places of the first time", decisions, err)
	}
	mixed := &kapivara.AppendMany{Appends: []kapivara.Append{part("A", kapivara.ExpectNew(), "1"), anyPart("B", "2")}}
	if _, err := decideMany(mixed, s, stored); err != nil {
		t.Errorf("an append of repeats alone expects nothing: %v", err)
	}
	mixed.Conditions = never
	if _, err := decideMany(mixed, s, stored); kapivara.CodeOf(err) != kapivara.WrongVersion {
		t.Errorf("a condition with something new: got %v, want wrong_version", err)
	}
	alone := &kapivara.AppendMany{Conditions: never}
	if _, err := decideMany(alone, s); kapivara.CodeOf(err) != kapivara.WrongVersion {
		t.Errorf("a condition by itself: got %v, want wrong_version", err)
	}
}

func TestNobodyLearnsOfAForeignStreamByACondition(t *testing.T) {
	t.Parallel()
	r := &kapivara.Registry{Publishers: map[string]*kapivara.Publisher{"p": {Name: "p", Streams: kapivara.Filter{"a/b/*"}}}}
	r.Types = map[string]*kapivara.EventType{"t": {Type: "t", Publisher: "p"}}
	m := &kapivara.AppendMany{Appends: []kapivara.Append{anyPart("A", "1")}, Conditions: []kapivara.Condition{{Stream: "x/y/z/1"}}}
	err := r.AdmitMany("p", m)
	if f := refusalOf(t, err).Facts; kapivara.CodeOf(err) != kapivara.Forbidden || f.Stream != "x/y/z/1" || f.Publisher != "p" || f.Append != nil {
		t.Errorf("got %v with %+v, want forbidden", err, f)
	}
	m.Conditions[0].Stream = "a/b/c/other"
	if err := r.AdmitMany("p", m); err != nil {
		t.Error(err)
	}
	m.Appends = append(m.Appends, part("B", kapivara.ExpectAny(), "2"))
	m.Appends[1].Events[0].Type = "foreign"
	err = r.AdmitMany("p", m)
	if f := refusalOf(t, err).Facts; f.Append == nil || *f.Append != 1 || f.Type != "foreign" {
		t.Errorf("got %v with %+v, want forbidden of append 1", err, f)
	}
}
