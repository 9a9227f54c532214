package dispatcher

import (
	"context"
	"time"

	"kapivara/pkg/kapivara"
)

// Store is all that the dispatcher needs of the store.
type Store interface {
	Duty
	Work
	Records
	Turns
	Operators
	Bodies
}

// Duty is how the dispatchers share the subscribers. Each works in runs, and a run that has ended has done so for ever,
// with all of its duties. Times are the store's.
type Duty interface {
	// Join begins a run that lives for ttl, under a name for whoever looks, and gives its number.
	Join(ctx context.Context, name string, ttl time.Duration) (run int32, err error)
	// Keep prolongs the run to ttl from now, or fails with kapivara.ErrOffDuty where it has ended. It waits for no turn.
	Keep(ctx context.Context, run int32, ttl time.Duration) (now time.Time, err error)
	// Leave ends the run, so that others take its duties at once. Leaving what has ended is no error.
	Leave(ctx context.Context, run int32) error
	// Survey tells who works for whom, and up to most subscribers for whom nobody does.
	Survey(ctx context.Context, run int32, most int) (*kapivara.Survey, error)
	// TakeDuties takes those of the subscribers for whom no run works that lives, and gives these. It waits for what the run
	// that had them is writing. It fails with kapivara.ErrOffDuty where the run has ended.
	TakeDuties(ctx context.Context, run int32, subscribers []int32) ([]kapivara.Duty, error)
	// GiveDuties gives those of the subscribers up that are the run's.
	GiveDuties(ctx context.Context, run int32, subscribers []int32) error
	// Owner is the run that works for the subscriber of the name, 0 where none that lives does; kapivara.NotFound where there
	// is no such subscriber.
	Owner(ctx context.Context, subscriber string) (run int32, err error)
}

// Work is what there is to do.
type Work interface {
	// Roster gives the subscribers whose streams are all gathered, and the log's head, as of one moment.
	Roster(ctx context.Context) (*kapivara.Roster, error)
	// Look gives first the registry's version, then what the lanes have, then up to limit rows of what is due behind the
	// mark, for all subscribers. Each part sees at least all that the part before it could see.
	Look(ctx context.Context, lanes []kapivara.LaneQuery, after kapivara.DueMark, limit int) (*kapivara.Look, error)
}

// Records are the numbered deliveries.
type Records interface {
	// Buckets gives the rows of the named subscribers' buckets, and then what is leased of them.
	Buckets(ctx context.Context, subscribers []string) ([]kapivara.BucketRow, []kapivara.Numbered, error)
	// Nodes gives the nodes that claim buckets of the subscribers.
	Nodes(ctx context.Context, subscribers []int32) ([]kapivara.ClaimNode, error)
	// Deliveries gives those of the deliveries that exist, in no order.
	Deliveries(ctx context.Context, refs []kapivara.Ref) ([]kapivara.Numbered, error)
	// TokenKey is the key of the tokens.
	TokenKey(ctx context.Context) ([]byte, error)
}

// Turns are the writes. Both fail with kapivara.ErrOffDuty where the run has ended, and with kapivara.ErrLostDuty where one
// of the duties is another's.
type Turns interface {
	// OpenBuckets makes the rows of the buckets that have none, and gives the rows of all.
	OpenBuckets(ctx context.Context, hold kapivara.Hold, buckets []kapivara.BucketRow) ([]kapivara.BucketRow, error)
	// Turn writes all of the turn or nothing, and gives the store's time to which the turn's durations were added. It fails with
	// kapivara.ErrStaleTurn where a bucket, a stream or a delivery is not as the turn has it.
	Turn(ctx context.Context, turn *kapivara.Turn) (now time.Time, err error)
}

// Operators are the writes of operators, in parts that are short enough for live deliveries to go on between them. The hold
// has the duty for the subscriber: one that was removed and set again since is another one of the name. Both fail
// as turns do, with kapivara.ErrStaleTurn where the same part is to be tried again, and with a refusal, not_found among
// others, where it cannot be done. Nothing is stored then, nor by a dry run.
type Operators interface {
	// Operate does the part of the operation that begins at the mark, by the rules of the core, and moves the version of each
	// bucket that it touches. What was never leased gets its number first.
	Operate(ctx context.Context, hold kapivara.Hold, subscriber string, o *kapivara.Operation, from kapivara.OperateMark) (*kapivara.Operated, error)
	// Replay notes the streams of the part that begins at the mark, to be sent again.
	Replay(ctx context.Context, hold kapivara.Hold, subscriber string, r *kapivara.Replay, from kapivara.ReplayMark) (*kapivara.Replayed, error)
}

// Bodies are the events of deliveries.
type Bodies interface {
	// Events reads the stretches one after another in their order. each gets the index of the stretch and its events, nil where they
	// pass limit bytes together. An error of each ends the reading and is returned.
	Events(ctx context.Context, stretches []kapivara.Stretch, limit int, each func(i int, events []kapivara.Event) error) error
}

// Sender sends deliveries and notices to the subscribers' nodes. It must be safe for use by two goroutines.
type Sender interface {
	// Send publishes the delivery on its bucket's subject, or on that of its node where it has one. That it went out does not
	// mean that somebody has it.
	Send(d *kapivara.Delivery) error
	// Line is another number whenever word of what was sent before, that it met nobody, may have been lost.
	Line() int64
	// Echo has heard called once, behind every Dispatcher.NoResponders for what was sent before the call; certain tells that
	// the line has stood since, so that whatever met nobody was said. It does not wait.
	Echo(line int64, heard func(certain bool))
	// Notify tells onlookers where a delivery of the subscriber stands; it may be lost.
	Notify(subscriber string, row *kapivara.DeliveryRow)
}
