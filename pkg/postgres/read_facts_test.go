package postgres_test

import (
	"fmt"
	"testing"
	"time"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/postgres"
)

// factsOf are the facts of a stream with the subscriber billing.
func factsOf(t *testing.T, store *postgres.Reader, s kapivara.Stream) kapivara.SubscriberFacts {
	t.Helper()
	facts, err := store.Facts(t.Context(), s, "billing")
	if err != nil {
		t.Fatal(err)
	}
	return facts.Subscribers[0]
}

// What was sent again waits behind all that is live, is told as a replay, and stands at the end of the lists.
func TestAReplayThatWaits(t *testing.T) {
	t.Parallel()
	store, f, _ := readDeliveries(t)
	no := factsOf(t, store, "a/b/c/1").Subscriber.No
	replay := func(s kapivara.Stream) {
		f.exec(t, `insert into kapivara.replays (due, stream_no, subscriber_no, bucket)
			select completed, stream_no, $1, 0 from kapivara.streams where name = $2`, no, string(s))
	}
	replay("a/b/c/1")
	replay("a/b/c/9")
	facts := factsOf(t, store, "a/b/c/9")
	if d := facts.Delivery; d == nil || d.Cause != kapivara.CauseReplay || d.State != kapivara.Pending || d.Number != 0 || facts.Ahead != 2 {
		t.Errorf("the replay is %+v behind %d, want it behind one live and one replay", d, facts.Ahead)
	}
	if facts.Holding != nil {
		t.Errorf("a committed delivery holds it back: %+v", facts.Holding)
	}
	zero := kapivara.Bucket(0)
	for _, limit := range []int{1, 2, 100} {
		q := kapivara.DeliveriesQuery{Subscriber: "billing", Bucket: &zero, State: kapivara.Pending, Limit: limit}
		var got []string
		for more := true; more; {
			page, err := store.Deliveries(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range page.Rows {
				got = append(got, fmt.Sprintf("%s %s", r.Stream, r.Cause))
			}
			if more = page.More; more {
				q.After = page.Rows[len(page.Rows)-1].Mark()
			}
		}
		if want := "[a/b/c/7 complete a/b/c/1 replay a/b/c/9 replay]"; fmt.Sprint(got) != want {
			t.Errorf("pages of %d: got %v, want %s", limit, got, want)
		}
	}
	state, err := store.Subscriber(t.Context(), "billing")
	if err != nil {
		t.Fatal(err)
	}
	if b := state.Buckets[0]; b.Pending != 3 || b.Committed != 1 {
		t.Errorf("bucket 0 counts %+v, want 3 pending", b)
	}
}

// A growth is found by any event of the stream, and waits for the earlier delivery that is not settled.
func TestAGrowthThatWaits(t *testing.T) {
	t.Parallel()
	store, f, until := readDeliveries(t)
	no := factsOf(t, store, "a/b/c/3").Subscriber.No
	f.exec(t, `update kapivara.subscribers set deliver = 'appended', grown = true where subscriber_no = $1`, no)
	f.exec(t, `insert into kapivara.outbox (due, stream_no, subscriber_no, bucket, cause)
		select e.log_position, e.stream_no, $1, 1, 2 from kapivara.events e join kapivara.streams s using (stream_no)
		 where s.name in ('a/b/c/3', 'a/b/c/1') and e.position = 1`, no)
	facts := factsOf(t, store, "a/b/c/3")
	if d := facts.Delivery; d == nil || d.Cause != kapivara.CauseAppended || d.Bucket != 1 || d.State != kapivara.Pending || d.From != 0 || d.To != 0 {
		t.Errorf("the growth is %+v", d)
	}
	if h := facts.Holding; h == nil || h.Number != 3 || h.State != kapivara.Parked || h.Reason != "no good" || facts.Ahead != 1 {
		t.Errorf("held back by %+v behind %d, want number 3, parked, behind 1", h, facts.Ahead)
	}
	if facts := factsOf(t, store, "a/b/c/1"); facts.Holding != nil || facts.Delivery.Cause != kapivara.CauseAppended {
		t.Errorf("a committed delivery holds back: %+v", facts)
	}
	if facts := factsOf(t, store, "a/b/c/2"); facts.Holding != nil || facts.Delivery.Number != 2 || !facts.Delivery.Until.Equal(until) {
		t.Errorf("a delivery that holds back nothing: %+v", facts)
	}
}

// Who has claimed a bucket is told of what is leased there, and with what is leased of what waits.
func TestWhoHasABucket(t *testing.T) {
	t.Parallel()
	store, f, until := readDeliveries(t)
	no := factsOf(t, store, "a/b/c/1").Subscriber.No
	f.exec(t, `update kapivara.buckets set owner = 'node-7', epoch = 17 where bucket = 0`)
	f.exec(t, `insert into kapivara.nodes (subscriber_no, node, until) values ($1, 'node-7', $2)`, no, until)
	waits := factsOf(t, store, "a/b/c/7")
	if b := waits.Busy; b == nil || b.Number != 4 || b.Attempt != 2 || !b.Deadline.Equal(until) || waits.InFlight != 2 || waits.Node != "node-7" {
		t.Errorf("it waits behind %+v of %d at %q", b, waits.InFlight, waits.Node)
	}
	leased := factsOf(t, store, "a/b/c/6")
	if leased.Node != "node-7" || !leased.NodeUntil.Equal(until) || leased.Delivery.Node != "node-7" || leased.Busy.Number != 4 {
		t.Errorf("leased to %q until %v, the row says %q", leased.Node, leased.NodeUntil, leased.Delivery.Node)
	}
	if hidden := factsOf(t, store, "a/b/c/2"); hidden.Delivery.Node != "" {
		t.Errorf("a hidden delivery is at %q", hidden.Delivery.Node)
	}
	state, err := store.Subscriber(t.Context(), "billing")
	if err != nil {
		t.Fatal(err)
	}
	if b := state.Buckets[0]; b.Owner != "node-7" || b.Epoch != 17 {
		t.Errorf("bucket 0 belongs to %q by epoch %d", b.Owner, b.Epoch)
	}
}

// What has a number is told with what else is leased of its bucket, and by whom it was settled.
func TestWhatASettledDeliveryWaitsFor(t *testing.T) {
	t.Parallel()
	store, f, until := readDeliveries(t)
	hidden := factsOf(t, store, "a/b/c/2")
	if b := hidden.Busy; b == nil || b.Number != 4 || b.Bucket != 0 || !b.Deadline.Equal(until) || hidden.InFlight != 2 || hidden.Ahead != 0 {
		t.Errorf("beside the hidden one %d are leased, first %+v", hidden.InFlight, hidden.Busy)
	}
	for answer, want := range []kapivara.SubscriberFacts{
		{}, {Answer: kapivara.Nak}, {Answer: kapivara.Term}, {Missed: true}, {Answer: kapivara.TakenAway},
	} {
		f.exec(t, `update kapivara.retries set answer = $1 where number = 3`, answer)
		if got := factsOf(t, store, "a/b/c/3"); got.Answer != want.Answer || got.Missed != want.Missed {
			t.Errorf("answer %d is told as %q, missed %v", answer, got.Answer, got.Missed)
		}
	}
}

// Of many growths the first that waits is told, and the latest that was delivered; so is one of another subscriber.
func TestTheOneOfManyGrowths(t *testing.T) {
	t.Parallel()
	store, f, _ := readDeliveries(t)
	no := factsOf(t, store, "a/b/c/3").Subscriber.No
	f.exec(t, `update kapivara.subscribers set deliver = 'appended', grown = true`)
	other := f.subscriber(t, "audit")
	f.exec(t, `insert into kapivara.deliveries (number, stream_no, due, bucket_no, subscriber_no, from_position, to_position, ack_wait_ms, buckets, cause, leased)
		select 100 + i, s.stream_no, i, b.bucket_no, $1, i, i, 1000, 2, 2, now() + i * interval '1 second'
		  from generate_series(1, 50) i, kapivara.streams s, kapivara.buckets b
		 where s.name = 'a/b/c/3' and b.bucket = 0`, no)
	f.exec(t, `insert into kapivara.commits (number, bucket_no, attempt)
		select d.number, d.bucket_no, 1 from kapivara.deliveries d where d.number between 101 and 149`)
	f.exec(t, `insert into kapivara.outbox (due, stream_no, subscriber_no, bucket, cause, grown)
		select 1000 + i, s.stream_no, u, 1, 2, 50 + i from generate_series(1, 50) i, unnest($1::integer[]) u, kapivara.streams s where s.name = 'a/b/c/3'`,
		[]int32{no, other})
	facts := factsOf(t, store, "a/b/c/3")
	if d := facts.Delivery; d == nil || d.LogPosition != 1001 || d.Cause != kapivara.CauseAppended || facts.Ahead != 0 {
		t.Errorf("what waits is %+v behind %d, want the first", d, facts.Ahead)
	}
	if h := facts.Holding; h == nil || h.Number != 3 {
		t.Errorf("held back by %+v, want the parked delivery, which is older than the last growth", h)
	}
	f.exec(t, `delete from kapivara.outbox where cause = 2`)
	if d := factsOf(t, store, "a/b/c/3").Delivery; d == nil || d.Number != 150 || d.State != kapivara.Leased {
		t.Errorf("the latest is %+v, want number 150", d)
	}
}

// What a subscriber as a whole waits for is told as well.
func TestASubscriberThatMovesOrGathers(t *testing.T) {
	t.Parallel()
	store, f, _ := readDeliveries(t)
	if facts := factsOf(t, store, "a/b/c/7"); facts.Moving || facts.Gathering != [2]int64{} {
		t.Errorf("nothing moves, but: %+v", facts)
	}
	f.exec(t, `update kapivara.subscribers set moving_after = 4, moving_until = 9, behind_after = 3, behind_until = 8`)
	if facts := factsOf(t, store, "a/b/c/7"); !facts.Moving || facts.Gathering != [2]int64{3, 8} {
		t.Errorf("got %+v", facts)
	}
	state, err := store.Subscriber(t.Context(), "billing")
	if m := state.Subscriber.Moving; err != nil || m == nil || m.Placed != 4 || m.Until != 9 {
		t.Errorf("it moves as %+v, %v; want 4 of 9", m, err)
	}
}

// The event types are told with the first position that has each.
func TestTheTypesOfAStream(t *testing.T) {
	t.Parallel()
	store, f := newReadFixture(t)
	for i, name := range []string{"b.begun", "a.done", "b.begun", "c.left"} {
		e := kapivara.Event{Stream: "a/b/c/1", Publisher: "clerk", Recorded: time.Now()}
		e.ID, e.Type, e.Position = kapivara.EventID(fmt.Sprint("e", i)), name, i+1+i/3 // 1, 2, 3, 5
		f.fill(t, e)
	}
	f.subscriber(t, "all")
	facts, err := store.Facts(t.Context(), "a/b/c/1", "")
	if err != nil || facts.Types != nil {
		t.Errorf("nobody chooses by types, and all events were looked at for them: %v, %v", facts.Types, err)
	}
	no := f.subscriber(t, "some")
	f.exec(t, `update kapivara.subscribers set types = '{a.*}' where subscriber_no = $1`, no)
	if facts, err = store.Facts(t.Context(), "a/b/c/1", ""); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(facts.Types, facts.TypesAt, facts.Reached()); got != "[b.begun a.done c.left] [1 2 5] [b.begun a.done]" {
		t.Errorf("got %s", got)
	}
}
