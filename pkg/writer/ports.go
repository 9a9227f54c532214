package writer

import (
	"context"
	"time"

	"kapivara/pkg/kapivara"
)

// Log is where batches are written.
type Log interface {
	// Tip reads the log's end and the registry of its version.
	Tip(ctx context.Context) (kapivara.Tip, *kapivara.Registry, error)
	// Begin writes a batch. Batches begun one after another are done in that order, each only on the tip it expects.
	// wait returns once the batch is durable, with the time of recording; kapivara.ErrMoved or ErrTaken when it was not
	// done and must be decided again; otherwise a refusal or an error. wait is called once, in the order of Begin.
	Begin(ctx context.Context, b *kapivara.Batch) (wait func() (time.Time, error))
	// Exclusive runs do under the log's lock, in one transaction that is committed when do returns nil.
	Exclusive(ctx context.Context, do func(ctx context.Context, tx Exclusive) error) error
}

// Lookup reads what is stored.
type Lookup interface {
	// Heads reads the heads of the streams that are stored, by name; their event types too where types is set.
	Heads(ctx context.Context, streams []kapivara.Stream, types bool) (map[kapivara.Stream]*kapivara.Head, error)
	// Known reads what is stored under the ids and at the positions that the appends name, for each in its order, and
	// the version of the registry at that moment.
	Known(ctx context.Context, appends []*kapivara.Append) (known []kapivara.Known, registry int64, err error)
}

// Exclusive is the log under its lock: what it reads is true until the transaction ends.
type Exclusive interface {
	Lookup
	Tip(ctx context.Context) (kapivara.Tip, *kapivara.Registry, error)
	// Register sets what an open registry does not know yet, and gives the registry with it.
	Register(ctx context.Context, publisher string, newPublisher bool, types []string) (*kapivara.Registry, error)
	// Write stores a batch that was decided on the tip, and returns the time of recording.
	Write(ctx context.Context, b *kapivara.Batch) (time.Time, error)
}

// Schemas judges an event's data by the JSON Schema of its type: a schema_violation whose path begins at the data, or
// nil. It is called outside the log's lock, by several goroutines at once.
type Schemas func(t *kapivara.EventType, kind kapivara.DataKind, data []byte) error

// Notice tells what a transaction has stored, after it is durable and answered.
type Notice struct {
	Head     int64 // the log's head
	Due      bool  // streams have become due
	Registry bool  // the registry has changed
	Events   []kapivara.Event
}
