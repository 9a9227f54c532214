package kapivara

import "errors"

// Tip is the end of the log as a writer knows it. A writing transaction is done only on the tip it was decided on.
type Tip struct {
	Head     int64 // the highest log position
	Streams  int64 // the highest stream number given
	Registry int64 // the registry's version
	Tag      int64 // drawn anew by each writing transaction, so that no other can be mistaken for it
}

// Entry is a new event at its place.
type Entry struct {
	*NewEvent
	Stream      int64 // the store's number
	Kind        int32 // the number of (type, publisher)
	Position    int
	LogPosition int64
}

// Batch is what one transaction writes, for many appends: all of it or nothing.
type Batch struct {
	After  Tip   // what the log's end must be
	Tag    int64 // the new tag
	New    []*Head
	Grown  []*Head // streams whose stored row is to follow their head
	Events []Entry // in log order, from After.Head + 1 on without gaps
	Due    []Due
}

// Tip is the end of the log once the batch is done.
func (b *Batch) Tip() Tip {
	return Tip{
		Head: b.After.Head + int64(len(b.Events)), Streams: b.After.Streams + int64(len(b.New)),
		Registry: b.After.Registry, Tag: b.Tag,
	}
}

// SaveEvery is by how many positions the contiguous part of a stream grows before its stored row follows. The row is
// also written when the stream is new, finished or completed.
const SaveEvery = 64

// Draft collects decided appends into a batch.
type Draft struct {
	Batch    Batch
	registry *Registry
	byType   bool
	touched  map[int64]struct{} // numbers of the streams in New and Grown
	growths  map[growth]int     // places in Batch.Due, nil where nobody waits for growths
}

// NewDraft begins a batch on the tip. The registry is the one of the tip's version.
func NewDraft(tip Tip, tag int64, registry *Registry) *Draft {
	d := &Draft{
		Batch: Batch{After: tip, Tag: tag}, registry: registry,
		byType: registry.NeedsTypes(), touched: map[int64]struct{}{},
	}
	if registry.NeedsGrowths() {
		d.growths = map[growth]int{}
	}
	return d
}

// Follow goes on with a registry to which something was added since the draft was begun.
func (d *Draft) Follow(registry *Registry) {
	d.registry = registry
	d.Batch.After.Registry = registry.Version
}

// Done gives the batch to be written. Its heads count as saved.
func (d *Draft) Done() *Batch {
	for _, heads := range [...][]*Head{d.Batch.New, d.Batch.Grown} {
		for _, h := range heads {
			h.Saved = h.Contiguous
		}
	}
	return &d.Batch
}

// Add takes in an append that was decided on the head: the head moves on, and the result is what the append is answered
// once the batch is done.
func (d *Draft) Add(a *Append, head *Head, decision Decision) *AppendResult {
	if decision.New > 0 {
		d.store(a, head, &decision)
	}
	return &AppendResult{
		Stream: a.Stream, Version: head.Version, Contiguous: head.Contiguous, Finish: head.Finish,
		Complete: head.Complete(), Events: decision.Events,
	}
}

func (d *Draft) store(a *Append, head *Head, decision *Decision) {
	isNew, finish := head.No == 0, head.Finish
	if isNew {
		head.No = d.Batch.After.Streams + int64(len(d.Batch.New)) + 1
	}
	completed, grown := decision.Apply(a, head, d.Batch.After.Head+int64(len(d.Batch.Events))+1)
	for i := range decision.Events {
		placed := &decision.Events[i]
		if !placed.Stored {
			continue
		}
		t := d.registry.Types[a.Events[i].Type]
		d.Batch.Events = append(d.Batch.Events, Entry{
			NewEvent: &a.Events[i], Stream: head.No, Kind: t.Kind,
			Position: placed.Position, LogPosition: placed.LogPosition,
		})
		if d.byType {
			head.AddType(t.Type, placed.Position)
		}
	}
	if completed > 0 || grown > 0 && d.growths != nil {
		d.due(head, completed, grown)
	}
	d.save(head, isNew, finish != head.Finish || completed > 0)
}

// save notes that the head's row is to be written, once a batch.
func (d *Draft) save(head *Head, isNew, turned bool) {
	_, noted := d.touched[head.No]
	switch {
	case isNew:
		d.Batch.New = append(d.Batch.New, head)
	case noted || !turned && head.Contiguous-head.Saved < SaveEvery:
		return
	default:
		d.Batch.Grown = append(d.Batch.Grown, head)
	}
	d.touched[head.No] = struct{}{}
}

// Why a batch was not done although the store is well: nothing of it is stored, and it is to be decided again.
var (
	// ErrMoved: another transaction has written since the tip on which the batch was decided.
	ErrMoved = errors.New("the log has moved")
	// ErrTaken: an id, a position or a new stream of the batch is stored already.
	ErrTaken = errors.New("an id or a position is taken")
)
