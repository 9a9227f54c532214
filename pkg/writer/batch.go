package writer

import (
	"context"
	"errors"
	"time"

	"kapivara/pkg/kapivara"
)

// flight is a batch on its way, and the appends that it answers.
type flight struct {
	batch   *kapivara.Batch
	jobs    []*job
	results []*kapivara.AppendResult // of all appends of the jobs, in their order
	streams []kapivara.Stream        // whose heads rest on it
	wait    func() (time.Time, error)
	err     error
	over    chan struct{} // closed when it has landed
}

// fast decides the jobs on remembered heads and sends them off as one batch. What is suspect takes another road.
func (w *Writer) fast(jobs []*job) {
	ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	if err := w.ready(ctx, jobs); err != nil {
		answerAll(jobs, err)
		w.giveUp(err)
		return
	}
	registry := w.registry.Load()
	f := &flight{over: make(chan struct{})}
	draft := kapivara.NewDraft(w.tip, newTag(), registry)
	for _, j := range jobs {
		switch w.decide(j, registry, draft, f) {
		case roadFast:
		case roadRepeat:
			w.suspects = append(w.suspects, j)
		case roadExclusive:
			w.slow = append(w.slow, j)
		}
	}
	if len(f.jobs) > 0 {
		f.batch = draft.Done()
		w.tip = f.batch.Tip()
		f.wait = w.log.Begin(ctx, f.batch)
		w.flights = append(w.flights, f)
		w.waiting <- f
	}
}

// ready makes sure of the tip and remembers the head of every stream of the jobs.
func (w *Writer) ready(ctx context.Context, jobs []*job) error {
	if !w.sure {
		if err := w.lookAnew(ctx); err != nil {
			return err
		}
	}
	streams := 0
	for _, j := range jobs {
		streams += len(j.appends) + len(j.conditions())
	}
	w.heads.atLeast((maxFlights + 1) * streams) // a batch of requests of many streams may have more than its events
	var unknown []kapivara.Stream
	for _, j := range jobs {
		for s := range j.streams {
			if _, ok := w.heads.get(s); !ok {
				w.heads.put(s, &kapivara.Head{Stream: s})
				unknown = append(unknown, s)
			}
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	heads, err := w.lookup.Heads(ctx, unknown, w.registry.Load().NeedsTypes())
	for _, s := range unknown {
		switch {
		case err != nil:
			w.heads.drop(s)
		case heads[s] != nil:
			w.heads.put(s, heads[s])
		}
	}
	return err
}

// lookAnew reads the tip and the registry. Heads that were remembered stay true only if nobody else has written.
func (w *Writer) lookAnew(ctx context.Context) error {
	tip, registry, err := w.log.Tip(ctx)
	if err != nil {
		return err
	}
	w.arrive(tip, registry)
	return nil
}

// arrive takes a tip that was read for the truth.
func (w *Writer) arrive(tip kapivara.Tip, registry *kapivara.Registry) {
	if tip != w.confirmed {
		w.heads.clear()
	}
	w.tip, w.confirmed, w.sure = tip, tip, true
	w.registry.Store(registry)
}

type road int

const (
	roadFast road = iota
	roadRepeat
	roadExclusive
)

// decide takes a job into the draft, or tells which other road it has to take. Only what is certain to be accepted goes
// fast: a refusal must be decided on what is stored, not on what is on its way.
func (w *Writer) decide(j *job, registry *kapivara.Registry, draft *kapivara.Draft, f *flight) road {
	if j.admit(registry) != nil || j.needsRegistering(registry) {
		return roadExclusive
	}
	if len(j.appends) == 0 {
		return roadRepeat // it stores nothing: what is stored answers it, and needs no batch
	}
	for _, a := range j.appends {
		for i := range a.Events {
			if w.ids.has(a.Events[i].ID) {
				return roadRepeat
			}
		}
	}
	j.judge(registry, w.schemas)
	decisions, err := j.decide(w, nil, registry)
	switch {
	case err != nil && j.tries == 0:
		return roadRepeat
	case err != nil:
		return roadExclusive
	}
	f.jobs = append(f.jobs, j)
	for n, a := range j.appends {
		for i := range a.Events {
			w.ids.put(a.Events[i].ID)
		}
		f.results = append(f.results, draft.Add(a, w.head(a.Stream), decisions[n]))
		f.streams = append(f.streams, a.Stream)
	}
	return roadFast
}

// head is the remembered head of a stream of the batch that is being made up.
func (w *Writer) head(s kapivara.Stream) *kapivara.Head {
	head, _ := w.heads.get(s)
	return head
}

// land waits for the batches in their order and answers the appends of those that are durable.
func (w *Writer) land() {
	for f := range w.waiting {
		recorded, err := f.wait()
		f.err = err
		if err == nil {
			rest := f.results
			for _, j := range f.jobs {
				j.done(rest[:len(j.appends):len(j.appends)], nil)
				rest = rest[len(j.appends):]
			}
			w.stored(notice(f.batch, f.jobs, f.results, recorded))
		}
		close(f.over)
		w.landed <- f
	}
}

// settle takes note of a batch that has landed. What was decided on top of one that failed has failed as well.
func (w *Writer) settle(f *flight) {
	w.flights = w.flights[1:]
	if f.err == nil {
		w.confirmed = f.batch.Tip()
		return
	}
	w.sure = false
	for _, s := range f.streams {
		w.heads.drop(s)
	}
	for _, j := range f.jobs {
		for _, a := range j.appends {
			for i := range a.Events {
				w.ids.drop(a.Events[i].ID)
			}
		}
		j.tries++
	}
	switch {
	case errors.Is(f.err, kapivara.ErrMoved):
		w.sort(f.jobs)
	case errors.Is(f.err, kapivara.ErrTaken):
		w.suspects = append(w.suspects, f.jobs...)
	default:
		answerAll(f.jobs, f.err)
		w.giveUp(f.err)
	}
}
