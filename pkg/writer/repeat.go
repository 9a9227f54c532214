package writer

import (
	"context"

	"kapivara/pkg/kapivara"
)

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
			w.back <- nil
			return
		}
		w.back <- w.answerRepeats(jobs, registry)
	})
}

// answerRepeats answers the jobs all of whose events are stored, and gives the others back.
func (w *Writer) answerRepeats(jobs []*job, registry *kapivara.Registry) []*job {
	ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	known, version, err := w.lookup.Known(ctx, appendsOf(jobs))
	if err != nil {
		answerAll(jobs, err)
		return nil
	}
	var pure, rest []*job
	var decisions []kapivara.Decision
	for i, j := range jobs {
		decision, err := kapivara.Decide(j.append, &kapivara.Head{}, known[i], kapivara.Rules{})
		switch {
		case err == nil && decision.New == 0 && version == registry.Version:
			pure, decisions = append(pure, j), append(decisions, decision)
			continue
		case len(known[i].ByID) > 0:
			j.tries += 10 // something of it is stored: only the exclusive road can tell
		default:
			j.tries++
		}
		rest = append(rest, j)
	}
	if len(pure) > 0 {
		w.answerPure(ctx, pure, decisions)
	}
	return rest
}

func (w *Writer) answerPure(ctx context.Context, jobs []*job, decisions []kapivara.Decision) {
	streams := make([]kapivara.Stream, len(jobs))
	for i, j := range jobs {
		streams[i] = j.append.Stream
	}
	heads, err := w.lookup.Heads(ctx, streams, false)
	if err != nil {
		answerAll(jobs, err)
		return
	}
	for i, j := range jobs {
		j.done(result(heads[j.append.Stream], decisions[i]), nil)
	}
}

func result(head *kapivara.Head, decision kapivara.Decision) *kapivara.AppendResult {
	return &kapivara.AppendResult{
		Stream: head.Stream, Version: head.Version, Contiguous: head.Contiguous, Finish: head.Finish,
		Complete: head.Complete(), Events: decision.Events,
	}
}
