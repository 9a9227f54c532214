package writer

import (
	"time"

	"kapivara/pkg/kapivara"
)

// notice tells what a batch has stored.
func notice(b *kapivara.Batch, jobs []*job, results []*kapivara.AppendResult, recorded time.Time) Notice {
	n := Notice{Head: b.Tip().Head, Due: len(b.Due) > 0, Events: make([]kapivara.Event, 0, len(b.Events))}
	for i, j := range jobs {
		for k, e := range eventsOf(j, results[i], recorded) {
			if results[i].Events[k].Stored {
				n.Events = append(n.Events, e)
			}
		}
	}
	return n
}

// eventsOf are a job's events as they are stored.
func eventsOf(j *job, result *kapivara.AppendResult, recorded time.Time) []kapivara.Event {
	events := make([]kapivara.Event, len(j.append.Events))
	for i := range j.append.Events {
		events[i] = kapivara.Event{
			NewEvent: j.append.Events[i], Stream: j.append.Stream, Publisher: j.publisher,
			Recorded: recorded, LogPosition: result.Events[i].LogPosition,
		}
		events[i].Position = result.Events[i].Position
		if events[i].Source == "" {
			events[i].Source = kapivara.DefaultSource(j.append.Stream, j.publisher)
		}
	}
	return events
}
