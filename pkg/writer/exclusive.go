package writer

import (
	"context"
	"maps"
	"time"

	"kapivara/pkg/kapivara"
)

// verdict is what the exclusive road answers a job once its transaction is durable.
type verdict struct {
	result *kapivara.AppendResult
	err    error
}

// session is one transaction of the exclusive road.
type session struct {
	tx       Exclusive
	found    kapivara.Tip // as it was under the lock, before the session
	registry *kapivara.Registry
	draft    *kapivara.Draft
	heads    map[kapivara.Stream]*kapivara.Head
	fresh    map[kapivara.EventID]*kapivara.Event // stored by this very transaction
	places   map[place]kapivara.EventID           // the same by their place
	changed  bool                                 // the registry
}

type place struct {
	stream   kapivara.Stream
	position int
}

// exclusive decides the jobs under the log's lock. No batch is on its way.
func (w *Writer) exclusive(jobs []*job) {
	ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	var verdicts []verdict
	var s *session
	var recorded time.Time
	err := w.log.Exclusive(ctx, func(ctx context.Context, tx Exclusive) error {
		var err error
		if s, err = openSession(ctx, tx, jobs); err != nil {
			return err
		}
		if verdicts, err = s.decideAll(ctx, jobs, w.schemas); err != nil {
			return err
		}
		if len(s.draft.Batch.Events) == 0 {
			return nil
		}
		recorded, err = tx.Write(ctx, s.draft.Done())
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
		j.done(verdicts[i].result, verdicts[i].err)
		if verdicts[i].err == nil {
			stored, results = append(stored, j), append(results, verdicts[i].result)
		}
	}
	if len(s.draft.Batch.Events) > 0 {
		n := notice(&s.draft.Batch, stored, results, recorded)
		n.Registry = s.changed
		w.stored(n)
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
		w.ids.put(id, struct{}{})
	}
}

func openSession(ctx context.Context, tx Exclusive, jobs []*job) (*session, error) {
	tip, registry, err := tx.Tip(ctx)
	if err != nil {
		return nil, err
	}
	streams := map[kapivara.Stream]*kapivara.Head{}
	var names []kapivara.Stream
	for _, j := range jobs {
		if s := j.append.Stream; streams[s] == nil {
			streams[s] = &kapivara.Head{Stream: s}
			names = append(names, s)
		}
	}
	heads, err := tx.Heads(ctx, names, registry.NeedsTypes())
	if err != nil {
		return nil, err
	}
	maps.Copy(streams, heads)
	return &session{
		tx: tx, found: tip, registry: registry, heads: streams, draft: kapivara.NewDraft(tip, newTag(), registry),
		fresh: map[kapivara.EventID]*kapivara.Event{}, places: map[place]kapivara.EventID{},
	}, nil
}

func (s *session) decideAll(ctx context.Context, jobs []*job, schemas Schemas) ([]verdict, error) {
	known, _, err := s.tx.Known(ctx, appendsOf(jobs))
	if err != nil {
		return nil, err
	}
	verdicts := make([]verdict, len(jobs))
	for i, j := range jobs {
		s.addFresh(j.append, &known[i])
		result, err := s.decide(ctx, j, known[i], schemas)
		if err != nil && !refusal(err) {
			return nil, err
		}
		verdicts[i] = verdict{result, err}
	}
	return verdicts, nil
}

func (s *session) decide(ctx context.Context, j *job, known kapivara.Known, schemas Schemas) (*kapivara.AppendResult, error) {
	if err := s.registry.Admit(j.publisher, j.append); err != nil {
		return nil, err
	}
	j.judge(s.registry, schemas)
	head := s.heads[j.append.Stream]
	decision, err := kapivara.Decide(j.append, head, known, j.rules(s.registry))
	if err != nil {
		return nil, err
	}
	if decision.New > 0 {
		if err := s.register(ctx, j); err != nil {
			return nil, err
		}
	}
	result := s.draft.Add(j.append, head, decision)
	s.noteFresh(j, result)
	return result, nil
}

// register sets what an open registry does not know yet, since the append is accepted.
func (s *session) register(ctx context.Context, j *job) error {
	newPublisher, types := s.registry.Unknown(j.publisher, j.append)
	if !newPublisher && len(types) == 0 {
		return nil
	}
	registry, err := s.tx.Register(ctx, j.publisher, newPublisher, types)
	if err != nil {
		return err
	}
	s.registry, s.changed = registry, true
	s.draft.Follow(registry)
	return nil
}

// addFresh adds to what is known what this transaction has stored for earlier jobs.
func (s *session) addFresh(a *kapivara.Append, known *kapivara.Known) {
	for i := range a.Events {
		e := &a.Events[i]
		if f := s.fresh[e.ID]; f != nil {
			known.ByID[e.ID] = f
		}
		if id, ok := s.places[place{a.Stream, e.Position}]; ok {
			known.At[e.Position] = id
		}
	}
}

func (s *session) noteFresh(j *job, result *kapivara.AppendResult) {
	for i, e := range eventsOf(j, result, time.Time{}) {
		if result.Events[i].Stored {
			s.fresh[e.ID] = &e
			s.places[place{e.Stream, e.Position}] = e.ID
		}
	}
}

// refusal tells whether it answers one append, and not the whole transaction.
func refusal(err error) bool {
	code := kapivara.CodeOf(err)
	return code != "" && code != kapivara.Unavailable && code != kapivara.OutcomeUnknown && code != kapivara.Internal
}
