package writer

import (
	"iter"
	"slices"

	"kapivara/pkg/kapivara"
)

// AppendMany has the events of several streams stored, all or none, where every expectation and condition holds at the
// commit. The request has passed its Check; done is called as by Append. It goes the same roads in the same batches: a
// batch is written only on the very end of the log on which it was decided, so that what a condition rests on, written or
// not, has not changed since; and the log's lock is the first that is taken, so that no two can wait for each other.
func (w *Writer) AppendMany(publisher string, m *kapivara.AppendMany, done func(*kapivara.AppendManyResult, error)) {
	j := &job{publisher: publisher, many: m, appends: make([]*kapivara.Append, len(m.Appends))}
	for i := range m.Appends {
		j.appends[i] = &m.Appends[i]
	}
	j.done = func(results []*kapivara.AppendResult, err error) {
		if err != nil {
			done(nil, err)
			return
		}
		all := &kapivara.AppendManyResult{Appends: make([]kapivara.AppendResult, len(results))}
		for i, r := range results {
			all.Appends[i] = *r
		}
		done(all, nil)
	}
	w.take(j)
}

// conditions are what the job asks for beside its appends.
func (j *job) conditions() []kapivara.Condition {
	if j.many == nil {
		return nil
	}
	return j.many.Conditions
}

// weight is what the job takes of a batch: its events, and the heads that its conditions rest on.
func (j *job) weight() int {
	n := len(j.conditions())
	for _, a := range j.appends {
		n += len(a.Events)
	}
	return n
}

// bytes is what its events weigh in a batch.
func (j *job) bytes() (n int) {
	for _, a := range j.appends {
		for i := range a.Events {
			n += len(a.Events[i].Data) + len(a.Events[i].Attributes)
		}
	}
	return n
}

// streams gives every stream whose head the job is decided on; one may come twice.
func (j *job) streams(yield func(kapivara.Stream) bool) {
	for _, a := range j.appends {
		if !yield(a.Stream) {
			return
		}
	}
	for _, c := range j.conditions() {
		if !yield(c.Stream) {
			return
		}
	}
}

var _ iter.Seq[kapivara.Stream] = (*job)(nil).streams

// admit judges whether the publisher may have this done.
func (j *job) admit(r *kapivara.Registry) error {
	if j.many != nil {
		return r.AdmitMany(j.publisher, j.many)
	}
	return r.Admit(j.publisher, j.appends[0])
}

// needsRegistering tells whether it stores what an open registry does not know yet.
func (j *job) needsRegistering(r *kapivara.Registry) bool {
	newPublisher, types := j.unknown(r)
	return newPublisher || len(types) > 0
}

// unknown lists what the registry has not: the publisher, where something is to be stored, and the event types.
func (j *job) unknown(r *kapivara.Registry) (newPublisher bool, types []string) {
	for _, a := range j.appends {
		unknown, more := r.Unknown(j.publisher, a)
		newPublisher = newPublisher || unknown
		for _, t := range more {
			if !slices.Contains(types, t) {
				types = append(types, t)
			}
		}
	}
	return newPublisher, types
}

// headsOf is what a job is decided on: the heads of all its streams, at one moment of the log.
type headsOf interface {
	head(s kapivara.Stream) *kapivara.Head
}

// decide judges the job: a decision for each of its appends, or the refusal of all. known has an entry for each append,
// or is nil where nothing is known.
func (j *job) decide(on headsOf, known []kapivara.Known, r *kapivara.Registry) ([]kapivara.Decision, error) {
	if known == nil {
		known = make([]kapivara.Known, len(j.appends))
	}
	if j.many == nil {
		decision, err := kapivara.Decide(j.appends[0], on.head(j.appends[0].Stream), known[0], j.rules(r, 0))
		return []kapivara.Decision{decision}, err
	}
	rules := make([]kapivara.Rules, len(j.appends))
	for n := range rules {
		rules[n] = j.rules(r, n)
	}
	return kapivara.DecideMany(j.many, on.head, known, rules)
}
