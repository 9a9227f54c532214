package postgres_test

import (
	"testing"
	"time"

	"kapivara/pkg/kapivara"
)

// subscriber sets a subscriber with two buckets and a canary bucket, and gives its number.
func (f *readFixture) subscriber(t *testing.T, name string) (no int32) {
	t.Helper()
	err := f.Owner.QueryRow(t.Context(), `insert into kapivara.subscribers
		(name, description, system, types, streams, buckets, canary_buckets, deliver, ack_wait_ms, max_attempts, backoff_ms, max_in_flight, log_position)
		values ($1, '', '', '{*}', '{*}', 2, 1, 'complete', 30000, 10, '{1000}', 1, $2) returning subscriber_no`, name, f.Log).Scan(&no)
	if err != nil {
		t.Fatal(err)
	}
	return no
}

// complete stores a stream of n events, and gives its number and the log position that completed it.
func (f *readFixture) complete(t *testing.T, s kapivara.Stream, n int) (no, due int64) {
	t.Helper()
	for i := 1; i <= n; i++ {
		e := kapivara.Event{Stream: s, Publisher: "clerk", Recorded: time.Now().Add(-time.Hour)}
		e.ID, e.Type, e.Position, e.Final = kapivara.EventID(string(s)+"#"+string(rune('0'+i))), "thing.done", i, i == n
		f.fill(t, e)
	}
	return f.Heads[s].No, f.Log
}

// waiting puts a complete stream into the outbox.
func (f *readFixture) waiting(t *testing.T, subscriber int32, bucket int, s kapivara.Stream) (due int64) {
	t.Helper()
	no, due := f.complete(t, s, 2)
	f.exec(t, `insert into kapivara.outbox (due, stream_no, subscriber_no, bucket) values ($1, $2, $3, $4)`, due, no, subscriber, bucket)
	return due
}

// lease gives the stream's delivery the next number of the bucket: its first attempt is leased.
func (f *readFixture) lease(t *testing.T, name string, subscriber int32, bucket int, s kapivara.Stream) (number int64) {
	t.Helper()
	no, due := f.complete(t, s, 2)
	var bucketNo int
	err := f.Owner.QueryRow(t.Context(), `insert into kapivara.buckets (bucket, subscriber, sent) values ($1, $2, 1)
		on conflict (subscriber, bucket) do update set sent = buckets.sent + 1 returning bucket_no, sent`, bucket, name).Scan(&bucketNo, &number)
	if err != nil {
		t.Fatal(err)
	}
	f.exec(t, `insert into kapivara.deliveries
		(number, stream_no, due, bucket_no, subscriber_no, from_position, to_position, ack_wait_ms, buckets, cause)
		values ($1, $2, $3, $4, $5, 1, 2, 30000, 2, 1)`, number, no, due, bucketNo, subscriber)
	return number
}

// commit commits a numbered delivery.
func (f *readFixture) commit(t *testing.T, name string, bucket int, number int64, attempt int) {
	t.Helper()
	f.exec(t, `delete from kapivara.retries r using kapivara.buckets b
		where b.bucket_no = r.bucket_no and b.subscriber = $1 and b.bucket = $2 and r.number = $3`, name, bucket, number)
	f.exec(t, `insert into kapivara.commits (number, bucket_no, attempt)
		select $3, bucket_no, $4 from kapivara.buckets where subscriber = $1 and bucket = $2`, name, bucket, number, attempt)
	f.exec(t, `update kapivara.buckets set committed_number = $3, committed_at = now() where subscriber = $1 and bucket = $2`,
		name, bucket, number)
}

// retry takes a numbered delivery off the plain road. state is its number in the store, answer as well.
func (f *readFixture) retry(t *testing.T, name string, bucket int, number int64, state, attempt, answer int, until time.Time, reason string) {
	t.Helper()
	f.exec(t, `insert into kapivara.retries (number, until, sent, bucket_no, attempt, counted, state, answer, reason)
		select $3, $4, now(), bucket_no, $5, $5, $6, $7, $8 from kapivara.buckets where subscriber = $1 and bucket = $2`,
		name, bucket, number, until, attempt, state, answer, reason)
}

// floor moves a bucket's floor to a number.
func (f *readFixture) floor(t *testing.T, name string, bucket int, number int64) {
	t.Helper()
	f.exec(t, `update kapivara.buckets set floor = $3 where subscriber = $1 and bucket = $2`, name, bucket, number)
}
