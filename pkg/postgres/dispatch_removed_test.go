package postgres_test

import (
	"errors"
	"testing"
	"time"

	"kapivara/pkg/kapivara"
)

// A removal takes only so many waiting streams away at once; the rest is swept up later, and must not be sent meanwhile.
func TestNothingIsLeasedForASubscriberThatIsRemoved(t *testing.T) {
	t.Parallel()
	f := newDispatchFixture(t)
	s := kapivara.NewSubscriber("billing")
	s.Buckets = 1
	no := f.Subscribe(s)
	f.Finish("a/b/c/1", 1, false)
	hold := f.duty(time.Minute, no)
	rows, err := f.OpenBuckets(t.Context(), hold, []kapivara.BucketRow{{Subscriber: "billing"}})
	if err != nil {
		t.Fatal(err)
	}
	f.exec("update kapivara.subscribers set removed = now() where subscriber_no = $1", no)
	_, err = f.Turn(t.Context(), &kapivara.Turn{
		Hold: hold, Buckets: []kapivara.BucketChange{{No: rows[0].No, Version: rows[0].Version, Sent: 1}},
		Leases: []kapivara.NewDelivery{{
			Ref: kapivara.Ref{Bucket: rows[0].No, Number: 1}, Due: kapivara.Due{Subscriber: no, LogPosition: 1, Stream: 1},
			From: 1, To: 1, AckWait: time.Minute, Buckets: 1, Cause: kapivara.CauseComplete,
		}},
	})
	if !errors.Is(err, kapivara.ErrStaleTurn) {
		t.Errorf("got error %v, want that the turn is stale", err)
	}
	if n := dispatchCount(t, f, "select count(*) from kapivara.deliveries"); n != 0 {
		t.Errorf("got %d deliveries for a subscriber that is removed, want none", n)
	}
}
