package porttest

import (
	"errors"
	"testing"
	"time"

	"kapivara/pkg/kapivara"
)

func dispatchCommit(t *testing.T, d *desk) {
	n := d.delivery("a/b/c/1")
	commit := kapivara.Turn{Commits: []kapivara.Commit{{Ref: n.Ref, Attempt: 1}}}
	d.must(commit)
	if l := d.find(n.Ref).Lease; l.State != kapivara.Committed || l.Attempt != 1 {
		t.Errorf("got %+v, want it committed at attempt 1", l)
	}
	if len(d.leased()) != 0 {
		t.Error("what is committed is still leased")
	}
	d.refused(commit, kapivara.ErrStaleTurn)
	hidden := kapivara.Lease{State: kapivara.Hidden, Attempt: 1, Sent: n.Lease.Sent, Until: time.Now()}
	d.refused(kapivara.Turn{Settlements: []kapivara.Settlement{{Ref: n.Ref, Lease: hidden}}}, kapivara.ErrStaleTurn)
}

func dispatchSettle(t *testing.T, d *desk) {
	n := d.delivery("a/b/c/1")
	for _, want := range []kapivara.Lease{
		{State: kapivara.Leased, Attempt: 1, Until: time.Now()},
		{State: kapivara.Hidden, Attempt: 1, Counted: 1, Answer: kapivara.Nak, Reason: "später", Until: time.Now()},
		{State: kapivara.Hidden, Attempt: 1, Counted: 1, Missed: true, Until: time.Now()},
		{State: kapivara.Parked, Attempt: 1, Counted: 1, Answer: kapivara.Term, Reason: "broken"},
	} {
		want.Sent = n.Lease.Sent
		now := d.must(kapivara.Turn{Settlements: []kapivara.Settlement{{Ref: n.Ref, Lease: want, After: 1500 * time.Millisecond}}})
		if !want.Until.IsZero() {
			want.Until = now.Add(1500 * time.Millisecond)
		}
		got := d.find(n.Ref)
		if !sameLease(got.Lease, want) || !got.Retried {
			t.Errorf("got %+v, want %+v", got.Lease, want)
		}
		if leased := d.leased(); len(leased) > 0 != (want.State == kapivara.Leased) {
			t.Errorf("%d are leased after %s", len(leased), want.State)
		}
		hidden := d.look(kapivara.LaneQuery{Hidden: 9}).Lanes[0].Hidden
		if len(hidden) > 0 != (want.State == kapivara.Hidden) {
			t.Errorf("%d are hidden after %s", len(hidden), want.State)
		}
	}
	d.must(kapivara.Turn{Commits: []kapivara.Commit{{Ref: n.Ref, Attempt: 1, Retried: true}}})
	if l := d.find(n.Ref).Lease; l.State != kapivara.Committed {
		t.Errorf("got %s after the commit", l.State)
	}
}

func dispatchHidden(t *testing.T, d *desk) {
	n := d.delivery("a/b/c/1")
	hide := func(after time.Duration) {
		l := kapivara.Lease{State: kapivara.Hidden, Attempt: 1, Sent: n.Lease.Sent, Until: time.Now()}
		d.must(kapivara.Turn{Settlements: []kapivara.Settlement{{Ref: n.Ref, Lease: l, After: after}}})
	}
	again := kapivara.Turn{Again: []kapivara.NextAttempt{{Ref: n.Ref, Attempt: 2, AckWait: time.Minute}}}
	hide(time.Hour)
	d.refused(again, kapivara.ErrStaleTurn)
	hide(-time.Second)
	now := d.must(again)
	want := kapivara.Lease{State: kapivara.Leased, Attempt: 2, Sent: now, Until: now.Add(time.Minute)}
	if got := d.find(n.Ref).Lease; !sameLease(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	d.refused(again, kapivara.ErrStaleTurn)
}

// dispatchPulled leases for pulls, by every road there is: a first attempt, a later one, and one that met nobody.
func dispatchPulled(t *testing.T, d *desk) {
	is := func(ref kapivara.Ref, want kapivara.Lease) {
		t.Helper()
		if got := d.find(ref); !sameLease(got.Lease, want) || !got.Retried {
			t.Errorf("got %+v, retried %v, want %+v", got.Lease, got.Retried, want)
		}
		if leased := d.leased(); len(leased) != 1 || !sameLease(leased[0].Lease, want) {
			t.Errorf("leased are %+v, want %+v", leased, want)
		}
	}
	d.Finish("a/b/c/1", 2, false)
	first := d.leaseNext(d.due()[0])
	first.Pulled = true
	now := d.must(kapivara.Turn{Leases: []kapivara.NewDelivery{first}})
	lease := kapivara.Lease{State: kapivara.Leased, Attempt: 1, Sent: now, Until: now.Add(30 * time.Second), Pulled: true}
	is(first.Ref, lease)

	hidden := kapivara.Lease{State: kapivara.Hidden, Attempt: 1, Counted: 1, Answer: kapivara.Nak, Sent: now, Until: now}
	d.must(kapivara.Turn{Settlements: []kapivara.Settlement{{Ref: first.Ref, Lease: hidden, After: -time.Second}}})
	now = d.must(kapivara.Turn{Again: []kapivara.NextAttempt{{Ref: first.Ref, Attempt: 2, AckWait: time.Minute, Pulled: true}}})
	lease = kapivara.Lease{State: kapivara.Leased, Attempt: 2, Counted: 1, Sent: now, Until: now.Add(time.Minute), Pulled: true}
	is(first.Ref, lease)
	d.must(kapivara.Turn{Commits: []kapivara.Commit{{Ref: first.Ref, Attempt: 2, Retried: true}}})

	n := d.delivery("a/b/c/2")
	lent := n.Lease.Lend(n.Lease.Sent.Add(time.Second), kapivara.Policy{AckWait: time.Minute})
	now = d.must(kapivara.Turn{Settlements: []kapivara.Settlement{{Ref: n.Ref, Lease: lent, After: time.Minute}}})
	lent.Until = now.Add(time.Minute)
	is(n.Ref, lent)
	back := lent.TakeBack()
	now = d.must(kapivara.Turn{Settlements: []kapivara.Settlement{{Ref: n.Ref, Lease: back, After: 59 * time.Second}}})
	back.Until = now.Add(59 * time.Second)
	is(n.Ref, back)
}

func dispatchOff(t *testing.T, d *desk) {
	d.Finish("a/b/c/1", 2, false)
	w := d.due()[0]
	if err := d.Leave(d.ctx, d.hold.Dispatcher); err != nil {
		t.Fatal(err)
	}
	d.refused(kapivara.Turn{Leases: []kapivara.NewDelivery{d.leaseNext(w)}}, kapivara.ErrOffDuty)
	if _, err := d.OpenBuckets(d.ctx, d.hold, []kapivara.BucketRow{{Subscriber: "billing", Bucket: 5}}); !errors.Is(err, kapivara.ErrOffDuty) {
		t.Errorf("open buckets: %v", err)
	}
	if len(d.due()) != 1 {
		t.Error("the refused turn has changed something")
	}
}

func dispatchEvents(t *testing.T, d *desk) {
	d.Finish("a/b/c/1", 3, false)
	d.Finish("a/b/c/2", 40, false)
	d.Finish("a/b/c/3", 1, false)
	var stretches []kapivara.Stretch
	for _, w := range d.due() {
		stretches = append(stretches, kapivara.Stretch{Stream: w.Stream, Name: w.Name, From: 1, To: w.Finish})
	}
	stretches = append(stretches, kapivara.Stretch{Stream: stretches[0].Stream, Name: stretches[0].Name, From: 2, To: 3})
	read := func(limit int) (sizes []int) {
		err := d.Events(d.ctx, stretches, limit, func(i int, events []kapivara.Event) error {
			if i != len(sizes) {
				t.Errorf("got stretch %d as number %d", i, len(sizes))
			}
			for n, e := range events {
				if e.Position != stretches[i].From+n || e.Stream != stretches[i].Name || e.Type == "" || len(e.Data) == 0 {
					t.Errorf("got %+v at place %d of stretch %d", e, n, i)
				}
			}
			sizes = append(sizes, len(events))
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		return sizes
	}
	for limit, want := range map[int][4]int{1 << 20: {3, 40, 1, 2}, 9000: {3, 0, 1, 2}, 1000: {3, 0, 1, 2}, 700: {0, 0, 1, 2}, 10: {}} {
		if got := read(limit); len(got) != 4 || [4]int(got) != want {
			t.Errorf("got stretches of %v events within %d bytes, want %v", got, limit, want)
		}
	}
	stop := errors.New("stop")
	if err := d.Events(d.ctx, stretches, 1<<20, func(int, []kapivara.Event) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("got error %v, want that of the caller", err)
	}
}

func dispatchPresence(t *testing.T, d *desk) {
	yes, since := true, time.Now().Add(-time.Hour).Truncate(time.Microsecond)
	read := func() kapivara.Presence {
		roster, err := d.Roster(d.ctx)
		if err != nil || len(roster.Presences) != 1 {
			t.Fatalf("roster: %+v, %v", roster, err)
		}
		return roster.Presences[0]
	}
	note := func(c kapivara.PresenceChange) time.Time {
		c.Subscriber = d.subscriber
		return d.must(kapivara.Turn{Presences: []kapivara.PresenceChange{c}})
	}
	note(kapivara.PresenceChange{SilentSince: since})
	if p := read(); p.Listening != nil || !p.LastAnswer.IsZero() || !p.Silent {
		t.Errorf("got %+v after a silence", p)
	}
	now := note(kapivara.PresenceChange{Answered: true, Listening: &yes, Extra: 2})
	note(kapivara.PresenceChange{Extra: 1})
	if p := read(); p.Listening == nil || !*p.Listening || !p.LastAnswer.Equal(now) || p.Silent {
		t.Errorf("got %+v after an answer", p)
	}
}
