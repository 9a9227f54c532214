package writer

import (
	"context"
	"maps"
	"slices"

	"kapivara/pkg/kapivara"
)

// looked is what repeat gives back: jobs that have to take another road, or why the store could not be asked.
type looked struct {
	jobs []*job
	err  error
}

// repeat looks the jobs' ids up without a lock, beside the loop, once the batches now on their way have landed. Pure
// repeats are answered by that; the rest goes back to the loop.
func (w *Writer) repeat(jobs []*job) {
	var last *flight
	if n := len(w.flights); n > 0 {
		last = w.flights[n-1]
	}
	registry := w.registry.Load()
	w.repeating++
	w.helpers.Go(func() {
		if last != nil {
			<-last.over
		}
		if last != nil && away(last.err) {
			answerAll(jobs, last.err) // they may stand in that batch, whose outcome may be unknown
			w.back <- looked{}        // the loop has seen the batch fail itself
			return
		}
		rest, err := w.answerRepeats(jobs, registry)
		w.back <- looked{rest, err}
	})
}

// answerRepeats answers the jobs all of whose events are stored, and those that store nothing; the others it gives back.
func (w *Writer) answerRepeats(jobs []*job, registry *kapivara.Registry) ([]*job, error) {
	ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	known, version, err := w.lookup.Known(ctx, appendsOf(jobs))
	if err != nil {
		answerAll(jobs, err)
		return nil, err
	}
	var rest []*job
	var pure []repeated
	for _, j := range jobs {
		mine := known[:len(j.appends)]
		known = known[len(j.appends):]
		decisions, repeats := j.repeats(mine)
		switch {
		case repeats && version == registry.Version:
			pure = append(pure, repeated{j, decisions})
			continue
		case anyStored(mine):
			j.tries += 10 // something of it is stored: only the exclusive road can tell
		default:
			j.tries++
		}
		rest = append(rest, j)
	}
	if len(pure) > 0 {
		w.answerPure(ctx, pure)
	}
	return rest, nil
}

// repeated is a job that stores nothing, with the places of its events.
type repeated struct {
	*job
	decisions []kapivara.Decision
}

// repeats tells whether all events of the job are stored, which holds of one without events as well.
func (j *job) repeats(known []kapivara.Known) ([]kapivara.Decision, bool) {
	decisions := make([]kapivara.Decision, len(j.appends))
	for n, a := range j.appends {
		decision, err := kapivara.Decide(a, &kapivara.Head{}, known[n], kapivara.Rules{})
		if err != nil || decision.New > 0 {
			return nil, false
		}
		decisions[n] = decision
	}
	return decisions, true
}

func anyStored(known []kapivara.Known) bool {
	return slices.ContainsFunc(known, func(k kapivara.Known) bool { return len(k.ByID) > 0 })
}

// answerPure answers by the streams as they are at one moment, after the jobs came. Where a job asks for nothing but
// its conditions they are judged by that moment.
func (w *Writer) answerPure(ctx context.Context, jobs []repeated) {
	heads := map[kapivara.Stream]*kapivara.Head{}
	var streams []kapivara.Stream
	for _, j := range jobs {
		for s := range j.streams {
			if heads[s] == nil {
				heads[s] = &kapivara.Head{Stream: s}
				streams = append(streams, s)
			}
		}
	}
	stored, err := w.lookup.Heads(ctx, streams, false)
	if err != nil {
		for _, j := range jobs {
			j.done(nil, err)
		}
		return
	}
	maps.Copy(heads, stored)
	for _, j := range jobs {
		if len(j.appends) == 0 {
			_, err := j.decide(snapshot(heads), nil, nil)
			j.done(nil, err)
			continue
		}
		results := make([]*kapivara.AppendResult, len(j.appends))
		for n, a := range j.appends {
			results[n] = result(heads[a.Stream], j.decisions[n])
		}
		j.done(results, nil)
	}
}

// snapshot is streams as they are at one moment.
type snapshot map[kapivara.Stream]*kapivara.Head

func (s snapshot) head(stream kapivara.Stream) *kapivara.Head { return s[stream] }

func result(head *kapivara.Head, decision kapivara.Decision) *kapivara.AppendResult {
	return &kapivara.AppendResult{
		Stream: head.Stream, Version: head.Version, Contiguous: head.Contiguous, Finish: head.Finish,
		Complete: head.Complete(), Events: decision.Events,
	}
}
