package main

import (
	"reflect"
	"testing"

	"kapivara/pkg/client"
)

func TestTheSampleIsTheSameForASeedAndAnotherForAnother(t *testing.T) {
	t.Parallel()
	first, again, other := newSample(200, 1), newSample(200, 1), newSample(200, 2)
	if !reflect.DeepEqual(first, again) {
		t.Error("the same seed gives two samples")
	}
	if reflect.DeepEqual(first, other) {
		t.Error("two seeds give the same sample")
	}
}

func TestTheSampleHasRepeatsHolesAndDisorder(t *testing.T) {
	t.Parallel()
	s := newSample(300, 1)
	seen, last := map[client.EventID]int{}, map[client.Stream]int{}
	disorder := 0
	for _, a := range s.arrivals {
		seen[a.event.ID]++
		if a.event.Position < last[a.stream] {
			disorder++
		}
		last[a.stream] = a.event.Position
	}
	events, twice := 0, 0
	for stream, order := range s.orders {
		for i, e := range order {
			if e.Position != i+1 || e.Final != (i == len(order)-1) {
				t.Fatalf("%s: event %d has position %d, final %v", stream, i+1, e.Position, e.Final)
			}
			lost := s.holes[stream] == e.Position
			if lost != (seen[e.ID] == 0) {
				t.Errorf("%s position %d arrives %d times, lost %v", stream, e.Position, seen[e.ID], lost)
			}
			if events++; seen[e.ID] > 1 {
				twice++
			}
		}
	}
	if len(s.holes) == 0 || s.repeats == 0 || twice != s.repeats || disorder == 0 || events != len(seen)+len(s.holes) {
		t.Errorf("%d holes, %d repeats, %d twice, %d out of order, %d of %d events arrive", len(s.holes), s.repeats, twice, disorder, len(seen), events)
	}
}
