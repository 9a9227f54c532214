package writer

import (
	"context"
	"maps"
	"time"

	"kapivara/pkg/kapivara"
)

// session is one transaction of the exclusive road.
type session struct {
	tx       Exclusive
	found    kapivara.Tip // as it was under the lock, before the session
	registry *kapivara.Registry
	judged   *kapivara.Registry // as it was found: what the session adds to it has no schemas
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

func openSession(ctx context.Context, tx Exclusive, jobs []*job) (*session, error) {
	tip, registry, err := tx.Tip(ctx)
	if err != nil {
		return nil, err
	}
	streams := map[kapivara.Stream]*kapivara.Head{}
	var names []kapivara.Stream
	for _, j := range jobs {
		for s := range j.streams {
			if streams[s] == nil {
				streams[s] = &kapivara.Head{Stream: s}
				names = append(names, s)
			}
		}
	}
	heads, err := tx.Heads(ctx, names, registry.NeedsTypes())
	if err != nil {
		return nil, err
	}
	maps.Copy(streams, heads)
	return &session{
		tx: tx, found: tip, registry: registry, judged: registry, heads: streams, draft: kapivara.NewDraft(tip, newTag(), registry),
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
		for n, a := range j.appends {
			s.addFresh(a, &known[n])
		}
		results, err := s.decide(ctx, j, known[:len(j.appends)], schemas)
		known = known[len(j.appends):]
		if err != nil && !refusal(err) {
			return nil, err
		}
		verdicts[i] = verdict{results, err}
	}
	return verdicts, nil
}

func (s *session) decide(ctx context.Context, j *job, known []kapivara.Known, schemas Schemas) ([]*kapivara.AppendResult, error) {
	if err := j.admit(s.registry); err != nil {
		return nil, err
	}
	j.judge(s.judged, schemas)
	decisions, err := j.decide(s, known, s.registry)
	if err != nil {
		return nil, err
	}
	for _, d := range decisions {
		if d.New > 0 {
			if err := s.register(ctx, j); err != nil {
				return nil, err
			}
			break
		}
	}
	results := make([]*kapivara.AppendResult, len(j.appends))
	for n, a := range j.appends {
		results[n] = s.draft.Add(a, s.heads[a.Stream], decisions[n])
		s.noteFresh(j.publisher, a, results[n])
	}
	return results, nil
}

// head is a stream as the session has it by now.
func (s *session) head(stream kapivara.Stream) *kapivara.Head { return s.heads[stream] }

// register sets what an open registry does not know yet, since the request is accepted.
func (s *session) register(ctx context.Context, j *job) error {
	newPublisher, types := j.unknown(s.registry)
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

func (s *session) noteFresh(publisher string, a *kapivara.Append, result *kapivara.AppendResult) {
	for i := range a.Events {
		if placed := &result.Events[i]; placed.Stored {
			e := storedEvent(publisher, a, i, placed, time.Time{})
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
