package writer

import (
	"time"

	"kapivara/pkg/kapivara"
)

// collect takes what waits, up to a batch's worth of events or of bytes.
func (w *Writer) collect() []*job {
	jobs := w.again
	w.again = nil
	events, bytes := 0, 0
	full := func(j *job) bool {
		events += j.weight()
		bytes += j.bytes()
		return events >= w.config.BatchEvents || bytes >= w.config.BatchBytes
	}
	for i, j := range jobs {
		if full(j) {
			w.again = jobs[i+1:]
			return jobs[: i+1 : i+1]
		}
	}
	for {
		select {
		case j := <-w.queue:
			if w.late(j) {
				continue
			}
			if jobs = append(jobs, j); full(j) {
				return jobs
			}
		default:
			return jobs
		}
	}
}

// late turns a job away whose turn has come too late.
func (w *Writer) late(j *job) bool {
	if time.Since(j.since) <= w.config.Waits {
		return false
	}
	j.done(nil, queueFull("500ms")) // longer than a batch takes
	return true
}

func queueFull(retryAfter string) error {
	return &kapivara.Error{
		Code: kapivara.Busy, Message: "the writer's queue is full; send the same request again after retry_after",
		Facts: kapivara.Facts{RetryAfter: retryAfter},
	}
}
