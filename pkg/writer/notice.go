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
			result := results[0]
			results = results[1:]
			for k, e := range eventsOf(j.publisher, a, result, recorded) {
				if result.Events[k].Stored {
					n.Events = append(n.Events, e)
				}
			}
		}
	}
	return n
}

// eventsOf are the events of an append as they are stored.
func eventsOf(publisher string, a *kapivara.Append, result *kapivara.AppendResult, recorded time.Time) []kapivara.Event {
	events := make([]kapivara.Event, len(a.Events))
	for i := range a.Events {
		events[i] = kapivara.Event{
			NewEvent: a.Events[i], Stream: a.Stream, Publisher: publisher,
			Recorded: recorded, LogPosition: result.Events[i].LogPosition,
		}
		events[i].Position = result.Events[i].Position
		if events[i].Source == "" {
			events[i].Source = kapivara.DefaultSource(a.Stream, publisher)
		}
	}
	return events
}
