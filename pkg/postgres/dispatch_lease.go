package postgres

import (
	"github.com/jackc/pgx/v5"

	"kapivara/pkg/kapivara"
)

func dispatchQueueAgain(batch *pgx.Batch, again []kapivara.NextAttempt) {
	n := len(again)
	if n == 0 {
		return
	}
	buckets, numbers, attempts := make([]int32, n), make([]int64, n), make([]int32, n)
	waits, pulled := make([]int64, n), make([]bool, n)
	for i, a := range again {
		buckets[i], numbers[i], pulled[i] = a.Bucket, a.Number, a.Pulled
		attempts[i], waits[i] = int32(a.Attempt), a.AckWait.Milliseconds() //nolint:gosec // counts attempts
	}
	batch.Queue(dispatchAgainSQL, buckets, numbers, attempts, waits, pulled)
}

func dispatchQueueLeases(batch *pgx.Batch, leases []kapivara.NewDelivery) {
	n := len(leases)
	if n == 0 {
		return
	}
	buckets, subscribers, waits := make([]int32, n), make([]int32, n), make([]int32, n)
	numbers, due, streams := make([]int64, n), make([]int64, n), make([]int64, n)
	from, to := make([]int32, n), make([]int32, n)
	counts, causes := make([]int16, n), make([]int16, n)
	for i, l := range leases {
		buckets[i], numbers[i] = l.Ref.Bucket, l.Ref.Number
		due[i], streams[i], subscribers[i] = l.Due.LogPosition, l.Due.Stream, l.Due.Subscriber
		from[i], to[i] = int32(l.From), int32(l.To)                             //nolint:gosec // positions
		waits[i], counts[i] = int32(l.AckWait.Milliseconds()), int16(l.Buckets) //nolint:gosec // bounded
		causes[i] = dispatchCauseNumber(l.Cause)
	}
	dispatchQueueTaking(batch, leases)
	batch.Queue(dispatchLeaseSQL, buckets, numbers, due, streams, subscribers, from, to, waits, counts, causes)
	dispatchQueueLent(batch, leases)
}

// dispatchQueueLent notes which of the leases go to pulls.
func dispatchQueueLent(batch *pgx.Batch, leases []kapivara.NewDelivery) {
	var buckets []int32
	var numbers, waits []int64
	for _, l := range leases {
		if l.Pulled {
			buckets, numbers = append(buckets, l.Ref.Bucket), append(numbers, l.Ref.Number)
			waits = append(waits, l.AckWait.Milliseconds())
		}
	}
	if len(buckets) > 0 {
		batch.Queue(dispatchLentSQL, buckets, numbers, waits)
	}
}

// dispatchQueueTaking takes the streams from where they wait.
func dispatchQueueTaking(batch *pgx.Batch, leases []kapivara.NewDelivery) {
	var due, replays []int64
	var duties, replayed []int32
	for _, l := range leases {
		if l.Cause == kapivara.CauseReplay {
			replays, replayed = append(replays, l.Due.LogPosition), append(replayed, l.Due.Subscriber)
		} else {
			due, duties = append(due, l.Due.LogPosition), append(duties, l.Due.Subscriber)
		}
	}
	if len(due) > 0 {
		batch.Queue(dispatchTakeSQL, due, duties)
	}
	if len(replays) > 0 {
		batch.Queue(dispatchTakeReplaysSQL, replays, replayed)
	}
}
