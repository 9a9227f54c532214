package writer

import (
	"context"
	"errors"
	"time"

	"kapivara/pkg/kapivara"
)

// verdict is what the exclusive road answers a job once its transaction is durable.
type verdict struct {
	results []*kapivara.AppendResult
	err     error
}

// exclusive decides the jobs under the log's lock. No batch is on its way.
func (w *Writer) exclusive(jobs []*job) {
	ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	var verdicts []verdict
	var s *session
	var recorded time.Time
	err := w.exclusively(ctx, jobs, func(ctx context.Context, opened *session) (err error) {
		s = opened
		if verdicts, err = s.decideAll(ctx, jobs, w.schemas); err != nil {
			return err
		}
		if len(s.draft.Batch.Events) == 0 {
			return nil
		}
		recorded, err = s.tx.Write(ctx, s.draft.Done())
		return err
	})
	w.sure = false
	if err != nil {
		answerAll(jobs, err)
		w.giveUp(err)
		return
	}
	w.followSession(s)
	stored, results := []*job{}, []*kapivara.AppendResult{}
	for i, j := range jobs {
		j.done(verdicts[i].results, verdicts[i].err)
		if verdicts[i].err == nil {
			stored, results = append(stored, j), append(results, verdicts[i].results...)
		}
	}
	if len(s.draft.Batch.Events) > 0 {
		n := notice(&s.draft.Batch, stored, results, recorded)
		n.Registry = s.changed
		w.stored(n)
	}
}

// errOtherSchemas ends a session that has found another version of the registry than the jobs were judged by.
var errOtherSchemas = errors.New("the registry has changed")

// exclusively opens a session under the log's lock. The data are held against the schemas outside of it: when the registry
// turns out to have changed since, the lock is given back and they are judged anew. Only where it changes again and again
// are they judged under the lock.
func (w *Writer) exclusively(ctx context.Context, jobs []*job, do func(context.Context, *session) error) error {
	const patience = 3
	registry := w.registry.Load()
	for try := 1; ; try++ {
		for _, j := range jobs {
			if registry != nil {
				j.judge(registry, w.schemas)
			}
		}
		err := w.log.Exclusive(ctx, func(ctx context.Context, tx Exclusive) error {
			s, err := openSession(ctx, tx, jobs)
			if err != nil {
				return err
			}
			if try < patience && (registry == nil || registry.Version != s.judged.Version) {
				registry = s.judged
				return errOtherSchemas
			}
			return do(ctx, s)
		})
		if !errors.Is(err, errOtherSchemas) {
			return err
		}
	}
}

// followSession brings what the loop remembers to where the session has led.
func (w *Writer) followSession(s *session) {
	w.arrive(s.found, s.registry)
	if s.changed {
		w.heads.clear()
	}
	if len(s.draft.Batch.Events) > 0 {
		w.tip = s.draft.Batch.Tip()
		w.confirmed = w.tip
	}
	for stream, head := range s.heads {
		w.heads.put(stream, head)
	}
	for id := range s.fresh {
		w.ids.put(id)
	}
}
