package writer

import (
	"time"

	"kapivara/pkg/kapivara"
)

// notice tells what a batch has stored. results are those of all appends of the jobs, in their order.
func notice(b *kapivara.Batch, jobs []*job, results []*kapivara.AppendResult, recorded time.Time) Notice {
	n := Notice{Head: b.Tip().Head, Due: len(b.Due) > 0, Events: make([]kapivara.Event, 0, len(b.Events))}
	for _, j := range jobs {
		for _, a := range j.appends {
			for i := range a.Events {
				if placed := &results[0].Events[i]; placed.Stored {
					n.Events = append(n.Events, storedEvent(j.publisher, a, i, placed, recorded))
				}
			}
			results = results[1:]
		}
	}
	return n
}

// storedEvent is the i-th event of an append as it is stored.
func storedEvent(publisher string, a *kapivara.Append, i int, placed *kapivara.Placed, recorded time.Time) kapivara.Event {
	e := kapivara.Event{
		NewEvent: a.Events[i], Stream: a.Stream, Publisher: publisher, Recorded: recorded, LogPosition: placed.LogPosition,
	}
	e.Position = placed.Position
	if e.Source == "" {
		e.Source = kapivara.DefaultSource(a.Stream, publisher)
	}
	return e
}
