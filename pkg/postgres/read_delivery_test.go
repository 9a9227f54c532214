package postgres_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/postgres"
)

// readDeliveries makes one delivery in each state in bucket 0 of billing, numbered 1 to 6, and two that wait: one in
// bucket 0 and one in canary-0. Bucket 7 is of an old layout, with a committed and a parked delivery.
func readDeliveries(t *testing.T) (*postgres.Reader, *readFixture, time.Time) {
	store, f := newReadFixture(t)
	no := f.subscriber(t, "billing")
	for i := 1; i <= 6; i++ {
		f.lease(t, "billing", no, 0, kapivara.Stream(fmt.Sprintf("a/b/c/%d", i)))
	}
	until := time.Now().Add(time.Minute).UTC().Truncate(time.Microsecond)
	f.commit(t, "billing", 0, 1, 1)
	f.retry(t, "billing", 0, 2, 3, 2, 1, until, "try later")
	f.retry(t, "billing", 0, 3, 4, 3, 2, until, "no good")
	f.retry(t, "billing", 0, 4, 2, 2, 0, until, "")
	f.retry(t, "billing", 0, 5, 5, 1, 0, until, "given up")
	f.floor(t, "billing", 0, 5)
	f.waiting(t, no, 0, "a/b/c/7")
	f.waiting(t, no, -1, "a/b/c/8")
	f.lease(t, "billing", no, 7, "a/b/c/9")
	f.commit(t, "billing", 7, 1, 4)
	f.lease(t, "billing", no, 7, "a/b/c/10")
	f.retry(t, "billing", 7, 2, 4, 10, 0, until, "no answer")
	f.floor(t, "billing", 7, 2)
	f.lease(t, "billing", no, 9, "a/b/c/11")
	f.commit(t, "billing", 9, 1, 1)
	f.floor(t, "billing", 9, 1)
	return store, f, until
}

func rowsOf(page kapivara.DeliveriesPage) (rows []string) {
	for _, r := range page.Rows {
		rows = append(rows, fmt.Sprintf("%s/%d %s %s %d", r.Bucket, r.Number, r.Stream, r.State, r.Attempt))
	}
	return rows
}

func TestDeliveriesAreListedInEachState(t *testing.T) {
	t.Parallel()
	store, _, _ := readDeliveries(t)
	zero := kapivara.Bucket(0)
	for _, c := range []struct {
		bucket *kapivara.Bucket
		state  kapivara.State
		want   []string
	}{
		{&zero, "", []string{
			"0/1 a/b/c/1 committed 1", "0/2 a/b/c/2 hidden 2", "0/3 a/b/c/3 parked 3", "0/4 a/b/c/4 leased 2",
			"0/5 a/b/c/5 discarded 1", "0/6 a/b/c/6 leased 1", "0/0 a/b/c/7 pending 0",
		}},
		{nil, "", []string{
			"0/1 a/b/c/1 committed 1", "0/2 a/b/c/2 hidden 2", "0/3 a/b/c/3 parked 3", "0/4 a/b/c/4 leased 2",
			"0/5 a/b/c/5 discarded 1", "0/6 a/b/c/6 leased 1", "7/1 a/b/c/9 committed 4", "7/2 a/b/c/10 parked 10",
			"9/1 a/b/c/11 committed 1", "canary-0/0 a/b/c/8 pending 0", "0/0 a/b/c/7 pending 0",
		}},
		{nil, kapivara.Leased, []string{"0/4 a/b/c/4 leased 2", "0/6 a/b/c/6 leased 1"}},
		{nil, kapivara.Parked, []string{"0/3 a/b/c/3 parked 3", "7/2 a/b/c/10 parked 10"}},
		{nil, kapivara.Hidden, []string{"0/2 a/b/c/2 hidden 2"}},
		{nil, kapivara.Committed, []string{"0/1 a/b/c/1 committed 1", "7/1 a/b/c/9 committed 4", "9/1 a/b/c/11 committed 1"}},
		{&zero, kapivara.Pending, []string{"0/0 a/b/c/7 pending 0"}},
		{nil, kapivara.Discarded, []string{"0/5 a/b/c/5 discarded 1"}},
	} {
		for _, limit := range []int{1, 2, 100} {
			q := kapivara.DeliveriesQuery{Subscriber: "billing", Bucket: c.bucket, State: c.state, Limit: limit}
			var got []string
			for more := true; more; {
				page, err := store.Deliveries(t.Context(), q)
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, rowsOf(page)...)
				if more = page.More; more {
					q.After = page.Rows[len(page.Rows)-1].Mark()
				}
			}
			if fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("bucket %v, state %q, pages of %d:\ngot  %q\nwant %q", c.bucket, c.state, limit, got, c.want)
			}
		}
	}
}

func TestDeliveryRowsSayWhatApplies(t *testing.T) {
	t.Parallel()
	store, _, until := readDeliveries(t)
	zero := kapivara.Bucket(0)
	page, err := store.Deliveries(t.Context(), kapivara.DeliveriesQuery{Subscriber: "billing", Bucket: &zero, Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range page.Rows {
		if r.From != 1 || r.To != 2 || r.Cause != kapivara.CauseComplete || r.LogPosition == 0 {
			t.Errorf("the row %+v is not of positions 1 to 2, due by completion", r)
		}
		if (r.State == kapivara.Leased) == r.Deadline.IsZero() || (r.State == kapivara.Hidden) == r.Until.IsZero() ||
			(r.State == kapivara.Committed) == r.Committed.IsZero() {
			t.Errorf("the times of %+v do not fit its state", r)
		}
	}
	if r := page.Rows[1]; !r.Until.Equal(until) || r.Reason != "try later" {
		t.Errorf("hidden until %v by %q, want %v", r.Until, r.Reason, until)
	}
	if r := page.Rows[3]; !r.Deadline.Equal(until) {
		t.Errorf("the second attempt has its deadline at %v, want %v", r.Deadline, until)
	}
}

func TestSubscriberCountsItsBuckets(t *testing.T) {
	t.Parallel()
	store, f, _ := readDeliveries(t)
	state, err := store.Subscriber(t.Context(), "billing")
	if err != nil {
		t.Fatal(err)
	}
	want := []kapivara.BucketState{
		{Bucket: 0, Pending: 1, Leased: 2, Hidden: 1, Parked: 1, Committed: 1, Discarded: 1, LastNumber: 6},
		{Bucket: 1},
		{Bucket: 7, Parked: 1, Committed: 1, LastNumber: 2},
		{Bucket: -1, Pending: 1},
	}
	if len(state.Buckets) != len(want) {
		t.Fatalf("got %+v, want %d buckets", state.Buckets, len(want))
	}
	for i, got := range state.Buckets {
		if due := got.Lag() > 0; due != (got.Oldest > 50*time.Minute) {
			t.Errorf("bucket %s: the oldest is due since %v with a lag of %d", got.Bucket, got.Oldest, got.Lag())
		}
		got.Oldest = 0
		if got != want[i] {
			t.Errorf("got  %+v\nwant %+v", got, want[i])
		}
	}
	if state.Subscriber.Name != "billing" || state.Subscriber.Buckets != 2 || state.Subscriber.AckWait != 30*time.Second {
		t.Errorf("the subscriber is %+v", state.Subscriber)
	}
	if s := state.Standing; s.Listening != nil || !s.LastAnswer.IsZero() || !s.SilentSince.IsZero() {
		t.Errorf("nothing was sent, but its nodes stand at %+v", s)
	}
	silent := time.Now().UTC().Truncate(time.Microsecond)
	f.exec(t, `insert into kapivara.standing values ($1, true, null, $2, 3)`, state.Subscriber.No, silent)
	if state, err = store.Subscriber(t.Context(), "billing"); err != nil {
		t.Fatal(err)
	}
	if s := state.Standing; s.Listening == nil || !*s.Listening || !s.SilentSince.Equal(silent) || s.ExtraAnswers != 3 {
		t.Errorf("its nodes stand at %+v", s)
	}
}

func TestOneDeliveryAndTheLastCommitted(t *testing.T) {
	t.Parallel()
	store, _, _ := readDeliveries(t)
	for _, c := range []struct {
		bucket  kapivara.Bucket
		number  int64
		want    string
		commits bool
	}{
		{0, 2, "0/2 a/b/c/2 attempt 2 of [1 2]", false},
		{0, 6, "0/6 a/b/c/6 attempt 1 of [1 2]", false},
		{0, 0, "0/1 a/b/c/1 attempt 1 of [1 2]", true},
		{7, 0, "7/1 a/b/c/9 attempt 4 of [1 2]", true},
	} {
		d, page, err := store.Delivery(t.Context(), kapivara.DeliveryQuery{
			Subscriber: "billing", Bucket: c.bucket, Number: c.number, Limit: 10, Bytes: 1 << 20,
		})
		if err != nil {
			t.Fatal(err)
		}
		got := fmt.Sprintf("%s/%d %s attempt %d of %v", d.Bucket, d.Number, d.Stream, d.Attempt, positionsOf(page.Events))
		if got != c.want || d.Committed.IsZero() == c.commits || !d.Complete || d.Buckets != 2 || d.AckWait != 30*time.Second {
			t.Errorf("got %s: %+v, want %s", got, d, c.want)
		}
	}
	_, page, err := store.Delivery(t.Context(), kapivara.DeliveryQuery{Subscriber: "billing", Number: 2, Limit: 1, Bytes: 1})
	if err != nil || !page.More || len(page.Events) != 1 {
		t.Errorf("a page of one event is %+v, %v", page, err)
	}
	_, page, err = store.Delivery(t.Context(), kapivara.DeliveryQuery{Subscriber: "billing", Number: 2, From: 2, Limit: 10, Bytes: 1})
	if err != nil || page.More || fmt.Sprint(positionsOf(page.Events)) != "[2]" {
		t.Errorf("the delivery from 2 is %+v, %v", page, err)
	}
}

func positionsOf(events []kapivara.Event) (list []int) {
	for _, e := range events {
		list = append(list, e.Position)
	}
	return list
}

func TestDeliveriesThatAreNotThere(t *testing.T) {
	t.Parallel()
	store, _, _ := readDeliveries(t)
	eight := kapivara.Bucket(8)
	ask := func(subscriber string, bucket kapivara.Bucket, number int64) error {
		_, _, err := store.Delivery(t.Context(), kapivara.DeliveryQuery{Subscriber: subscriber, Bucket: bucket, Number: number, Limit: 1, Bytes: 1})
		return err
	}
	list := func(q kapivara.DeliveriesQuery) error {
		q.Limit = 1
		_, err := store.Deliveries(t.Context(), q)
		return err
	}
	_, unknown := store.Subscriber(t.Context(), "nobody")
	_, noFacts := store.Facts(t.Context(), "a/b/c/none", "")
	_, noName := store.Facts(t.Context(), "a/b/c/1", "nobody")
	for name, err := range map[string]error{
		"a delivery of nobody":       ask("nobody", 0, 1),
		"a number not given":         ask("billing", 0, 7),
		"nothing committed":          ask("billing", 1, 0),
		"an unknown bucket":          ask("billing", 8, 1),
		"the list of nobody":         list(kapivara.DeliveriesQuery{Subscriber: "nobody"}),
		"the list of a bucket":       list(kapivara.DeliveriesQuery{Subscriber: "billing", Bucket: &eight}),
		"the subscriber nobody":      unknown,
		"a stream without events":    noFacts,
		"an explanation with nobody": noName,
	} {
		var refusal *kapivara.Error
		if !errors.As(err, &refusal) || refusal.Code != kapivara.NotFound {
			t.Errorf("%s: got %v, want not_found", name, err)
		}
	}
	one := kapivara.Bucket(1)
	if err := list(kapivara.DeliveriesQuery{Subscriber: "billing", Bucket: &one}); err != nil {
		t.Errorf("a bucket that nothing came to yet: %v", err)
	}
}

func TestFactsOfAStream(t *testing.T) {
	t.Parallel()
	store, f, until := readDeliveries(t)
	other := f.subscriber(t, "audit")
	f.waiting(t, other, 0, "a/b/c/20")
	f.waiting(t, other, 0, "a/b/c/21")
	f.exec(t, `with run as (insert into kapivara.dispatchers (name, until) values ('one', now() + interval '1 minute') returning dispatcher_no)
		insert into kapivara.duties (subscriber_no, dispatcher_no) select s.subscriber_no, run.dispatcher_no from kapivara.subscribers s, run`)

	facts, err := store.Facts(t.Context(), "a/b/c/3", "")
	if err != nil {
		t.Fatal(err)
	}
	if len(facts.Subscribers) != 2 || facts.Subscribers[0].Subscriber.Name != "audit" || facts.Subscribers[0].Delivery != nil {
		t.Fatalf("the facts are %+v, want audit without the stream, and billing", facts)
	}
	b := facts.Subscribers[1]
	if b.Delivery == nil || b.Delivery.Number != 3 || b.Delivery.State != kapivara.Parked || b.Answer != kapivara.Term {
		t.Errorf("billing has %+v, answer %q", b.Delivery, b.Answer)
	}
	if !facts.Dispatching || facts.Completed != b.Delivery.LogPosition || facts.Now.After(until) {
		t.Errorf("the facts are %+v", facts)
	}

	facts, err = store.Facts(t.Context(), "a/b/c/21", "audit")
	if err != nil {
		t.Fatal(err)
	}
	if a := facts.Subscribers[0]; len(facts.Subscribers) != 1 || a.Delivery == nil || a.Delivery.State != kapivara.Pending || a.Ahead != 1 || a.InFlight != 0 {
		t.Errorf("audit has %+v", a)
	}
	if facts, err = store.Facts(t.Context(), "a/b/c/7", "billing"); err != nil {
		t.Fatal(err)
	}
	if b := facts.Subscribers[0]; b.Delivery == nil || b.Delivery.State != kapivara.Pending || b.Ahead != 0 || b.InFlight != 2 {
		t.Errorf("billing has %+v", b)
	}
}
