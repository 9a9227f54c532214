package postgres_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/postgres"
)

// What the reader says of deliveries is what the dispatcher has written, whatever became of them.
func TestTheReaderSaysWhatTheDispatcherWrote(t *testing.T) {
	t.Parallel()
	f := newDispatchFixture(t)
	pool, err := postgres.Open(t.Context(), f.owner.Config().ConnString(), postgres.RoleReader, 2)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	w := &readWork{dispatchFixture: f, random: rand.New(rand.NewPCG(7, 11)), leases: map[int64]kapivara.Lease{}}
	w.begin()
	for range 160 {
		w.step()
	}
	w.compare(postgres.NewReader(pool))
}

// readWork is a dispatcher at random on one bucket.
type readWork struct {
	*dispatchFixture
	random    *rand.Rand
	hold      kapivara.Hold
	row       kapivara.BucketRow
	lane      kapivara.Lane
	leases    map[int64]kapivara.Lease
	names     map[int64]kapivara.Stream
	committed int64 // the last one
	streams   int
}

func (w *readWork) begin() {
	s := kapivara.NewSubscriber("billing")
	s.Buckets = 1
	w.lane.Subscriber = w.Subscribe(s)
	w.names = map[int64]kapivara.Stream{}
	w.hold = w.duty(time.Hour, w.lane.Subscriber)
	rows, err := w.OpenBuckets(w.t.Context(), w.hold, []kapivara.BucketRow{{Subscriber: "billing"}})
	if err != nil {
		w.t.Fatal(err)
	}
	w.row = rows[0]
}

func (w *readWork) turn(turn kapivara.Turn, committed int64) time.Time {
	turn.Hold = w.hold
	change := kapivara.BucketChange{
		No: w.row.No, Version: w.row.Version, Sent: w.row.Sent + int64(len(turn.Leases)), Floor: w.floor(), Committed: committed,
	}
	turn.Buckets = []kapivara.BucketChange{change}
	now, err := w.Turn(w.t.Context(), &turn)
	if err != nil {
		w.t.Fatalf("turn: %v", err)
	}
	w.row.Version, w.row.Sent, w.row.Floor = change.Version+1, change.Sent, change.Floor
	return now
}

// floor is below the first delivery that is on its first lease.
func (w *readWork) floor() int64 {
	n := w.row.Floor
	for n < w.row.Sent {
		if l := w.leases[n+1]; l.State == kapivara.Leased && l.Attempt == 1 {
			break
		}
		n++
	}
	return n
}

// step does one thing to a delivery at random, by the rules of the core.
func (w *readWork) step() {
	policy := kapivara.NewSubscriber("billing")
	p := policy.Policy()
	number := w.random.Int64N(w.row.Sent+2) + 1
	l, leased := w.leases[number]
	ref := kapivara.Ref{Bucket: w.row.No, Number: number}
	switch {
	case !leased:
		w.lease()
	case l.State == kapivara.Committed || l.State == kapivara.Discarded:
	case w.random.IntN(5) == 0:
		w.operate(ref, l)
	case l.State == kapivara.Parked:
	case l.State == kapivara.Hidden || l.State == kapivara.Pending:
		if l.State == kapivara.Hidden {
			w.settle(ref, kapivara.Lease{State: kapivara.Hidden, Attempt: l.Attempt, Counted: l.Counted, Sent: l.Sent, Until: l.Until}, -time.Second)
		}
		now := w.turn(kapivara.Turn{Again: []kapivara.NextAttempt{{Ref: ref, Attempt: l.Attempt + 1, AckWait: p.AckWait}}}, 0)
		w.leases[number] = l.Begin(now, p)
	default:
		switch w.random.IntN(5) {
		case 0:
			w.turn(kapivara.Turn{Commits: []kapivara.Commit{{Ref: ref, Attempt: l.Attempt, Retried: l.Attempt > 1}}}, number)
			w.leases[number], w.committed = kapivara.Lease{State: kapivara.Committed, Attempt: l.Attempt}, number
		case 1:
			w.settle(ref, l.Silent(l.Until, w.random.IntN(2) == 0, p), time.Minute)
		default:
			verdict := []kapivara.Verdict{kapivara.Nak, kapivara.Nak, kapivara.Term}[w.random.IntN(3)]
			next, _, err := l.Settle(l.Attempt, kapivara.Answer{Verdict: verdict, Delay: -1, Reason: fmt.Sprint("why ", number)}, l.Sent, p)
			if err != nil {
				w.t.Fatal(err)
			}
			w.settle(ref, next, time.Minute)
		}
	}
}

// operate does to a delivery what an operator may.
func (w *readWork) operate(ref kapivara.Ref, l kapivara.Lease) {
	verb := []kapivara.Verb{kapivara.Hide, kapivara.Park, kapivara.Retry, kapivara.Discard}[w.random.IntN(4)]
	o := &kapivara.Operation{Verb: verb, Delay: time.Minute, Reason: fmt.Sprint(verb, " ", ref.Number)}
	if next, changed := l.Operate(o, l.Sent); changed {
		w.settle(ref, next, time.Minute)
	}
}

func (w *readWork) lease() {
	w.streams++
	name := kapivara.Stream(fmt.Sprintf("a/b/c/%d", w.streams))
	w.Finish(name, 2, false)
	look, err := w.Look(w.t.Context(), []kapivara.LaneQuery{{Lane: w.lane, Row: w.row.No, Limit: 1}}, kapivara.DueMark{}, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	due := look.Lanes[0].Due[0]
	number := w.row.Sent + 1
	w.leases[number], w.names[number] = kapivara.Lease{State: kapivara.Leased, Attempt: 1}, name
	now := w.turn(kapivara.Turn{Leases: []kapivara.NewDelivery{{
		Ref: kapivara.Ref{Bucket: w.row.No, Number: number}, Due: due.Due, From: 1, To: 2, AckWait: 30 * time.Second, Buckets: 1,
		Cause: kapivara.CauseComplete,
	}}}, 0)
	w.leases[number] = kapivara.Lease{State: kapivara.Leased, Attempt: 1, Sent: now, Until: now.Add(30 * time.Second)}
}

func (w *readWork) settle(ref kapivara.Ref, l kapivara.Lease, after time.Duration) {
	now := w.turn(kapivara.Turn{Settlements: []kapivara.Settlement{{Ref: ref, Lease: l, After: after}}}, 0)
	if !l.Until.IsZero() {
		l.Until = now.Add(after)
	}
	w.leases[ref.Number] = l
}

// compare asks for every delivery in every way.
func (w *readWork) compare(store *postgres.Reader) {
	t := w.t
	w.Finish("a/b/c/waits", 2, false)
	page, err := store.Deliveries(t.Context(), kapivara.DeliveriesQuery{Subscriber: "billing", Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	if len(page.Rows) != len(w.leases)+1 || len(w.leases) < 20 {
		t.Fatalf("%d rows, want %d and one that waits", len(page.Rows), len(w.leases))
	}
	counts := map[kapivara.State]int64{kapivara.Pending: 1}
	for _, row := range page.Rows[:len(w.leases)] {
		l := w.leases[row.Number]
		counts[l.State]++
		if row.State != l.State || row.Attempt != l.Attempt || row.Reason != l.Reason || row.Stream != w.names[row.Number] {
			t.Errorf("got %+v, want %+v", row, l)
		}
		if until := row.Deadline; l.State == kapivara.Leased && !until.Equal(l.Until) {
			t.Errorf("number %d is leased until %v, want %v", row.Number, until, l.Until)
		}
		if l.State == kapivara.Hidden && !row.Until.Equal(l.Until) {
			t.Errorf("number %d is hidden until %v, want %v", row.Number, row.Until, l.Until)
		}
		facts, err := store.Facts(t.Context(), row.Stream, "billing")
		if err != nil {
			t.Fatal(err)
		}
		if got := facts.Subscribers[0]; got.Delivery == nil || *got.Delivery != row || got.Answer != l.Answer || got.Missed != l.Missed {
			t.Errorf("the facts of %s are %+v with answer %q, missed %v; want %+v with %q, %v", row.Stream, got.Delivery, got.Answer, got.Missed, row, l.Answer, l.Missed)
		}
	}
	state, err := store.Subscriber(t.Context(), "billing")
	if err != nil {
		t.Fatal(err)
	}
	b := state.Buckets[0]
	for s, got := range map[kapivara.State]int64{
		kapivara.Pending: b.Pending, kapivara.Leased: b.Leased, kapivara.Hidden: b.Hidden, kapivara.Parked: b.Parked, kapivara.Committed: b.Committed,
	} {
		if got != counts[s] {
			t.Errorf("%d are counted as %s, want %d", got, s, counts[s])
		}
		list, err := store.Deliveries(t.Context(), kapivara.DeliveriesQuery{Subscriber: "billing", State: s, Limit: 1000})
		if err != nil || int64(len(list.Rows)) != counts[s] {
			t.Errorf("%d are listed as %s, want %d; %v", len(list.Rows), s, counts[s], err)
		}
	}
	last, _, err := store.Delivery(t.Context(), kapivara.DeliveryQuery{Subscriber: "billing", Limit: 10, Bytes: 1 << 20})
	if err != nil || last.Number != w.committed || last.Attempt != w.leases[w.committed].Attempt || last.Committed.IsZero() {
		t.Errorf("committed last is %+v, %v; want number %d", last, err, w.committed)
	}
}
