package postgres_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"

	"kapivara/pkg/kapivara"
	"kapivara/tests/kit"
)

func TestRemoveEndsWhatIsUnsettledAndNothingElse(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	b.complete(t, 10)
	s := b.set(t, "billing", kapivara.SubscriberPatch{Start: p(kapivara.Start{}), Buckets: p(1)})
	other := b.set(t, "audit", kapivara.SubscriberPatch{Start: p(kapivara.Start{})})
	b.gatherAll(t)
	// As a dispatcher would: 1 and 2 committed, 3 leased, 4 hidden, 5 parked, 6 discarded; 7 to 10 wait.
	b.exec(t, `delete from kapivara.outbox where subscriber_no = $1 and due <= 6`, s.No)
	b.exec(t, `insert into kapivara.replays (due, stream_no, subscriber_no, bucket) values (1, 1, $1, 0), (2, 2, $1, 0), (1, 1, $2, 0)`, s.No, other.No)
	b.exec(t, `insert into kapivara.buckets (bucket, subscriber, sent, floor, version) values (0, 'billing', 6, 1, 41), (0, 'audit', 0, 0, 5)`)
	b.exec(t, `insert into kapivara.deliveries (number, stream_no, due, bucket_no, subscriber_no, from_position, to_position, ack_wait_ms, buckets, cause)
		select i, i, i, bucket_no, $1, 1, 1, 30000, 1, 1 from generate_series(1, 6) i, kapivara.buckets where subscriber = 'billing'`, s.No)
	b.exec(t, `insert into kapivara.commits (number, bucket_no, attempt) select i, bucket_no, 1 from generate_series(1, 2) i, kapivara.buckets where subscriber = 'billing'`)
	b.exec(t, `insert into kapivara.retries (number, sent, until, bucket_no, attempt, counted, state, answer, reason)
		select i, now(), now() + '1 h', bucket_no, 3, 3, i - 1, 1, 'why' from generate_series(4, 6) i, kapivara.buckets where subscriber = 'billing'`)

	if _, err := b.Subscribers.Remove(b.ctx, "billing"); err != nil {
		t.Fatal(err)
	}
	if got := ask[int64](t, b, `select count(*) from kapivara.outbox where subscriber_no = $1`, s.No)[0]; got != 0 {
		t.Errorf("%d streams still wait", got)
	}
	if got := ask[int64](t, b, `select count(*) from kapivara.outbox where subscriber_no = $1`, other.No)[0]; got != 10 {
		t.Errorf("%d streams wait for the other subscriber, want 10", got)
	}
	if got := ask[int32](t, b, `select subscriber_no from kapivara.replays`); !slices.Equal(got, []int32{other.No}) {
		t.Errorf("streams are to be sent again to %v, want only %d", got, other.No)
	}
	got := ask[string](t, b, `select number || ' ' || state || ' ' || attempt || ' ' || reason || coalesce(' ' || until, '') from kapivara.retries order by number`)
	want := []string{"3 5 1 subscriber removed", "4 5 3 subscriber removed", "5 5 3 subscriber removed", "6 5 3 why"}
	if len(got) != 4 || !slices.Equal(got[:3], want[:3]) || got[3][:len(want[3])] != want[3] {
		t.Errorf("got %q, want %q", got, want)
	}
	if v := ask[int64](t, b, `select version from kapivara.buckets where subscriber = 'billing'`)[0]; v <= 41 {
		t.Errorf("the version of the bucket is %d: a dispatcher would not notice", v)
	}
	if v := ask[int64](t, b, `select version from kapivara.buckets where subscriber = 'audit'`)[0]; v != 5 {
		t.Errorf("the version of the other's bucket is %d, want 5", v)
	}
}

func TestWhatRemovedSubscribersHaveLeftIsSweptUp(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	b.complete(t, 10)
	s := b.set(t, "billing", kapivara.SubscriberPatch{})
	kept := b.set(t, "audit", kapivara.SubscriberPatch{})
	if _, err := b.Subscribers.Remove(b.ctx, "billing"); err != nil {
		t.Fatal(err)
	}
	for _, no := range []int32{s.No, kept.No} {
		b.exec(t, `insert into kapivara.outbox select i, i, $1, 0 from generate_series(1, 10) i`, no)
	}
	if worked, _, err := b.store.Gather(b.ctx); err != nil || !worked {
		t.Errorf("worked %v, error %v", worked, err)
	}
	for _, no := range []int32{s.No, kept.No} { // nothing of the outbox is left, and replays are found all the same
		b.exec(t, `insert into kapivara.replays (due, stream_no, subscriber_no, bucket) select i, i, $1, 0 from generate_series(1, 10) i`, no)
	}
	if worked, _, err := b.store.Gather(b.ctx); err != nil || !worked {
		t.Errorf("worked %v on replays, error %v", worked, err)
	}
	if worked, _, err := b.store.Gather(b.ctx); err != nil || worked {
		t.Errorf("worked again %v, error %v", worked, err)
	}
	if got := ask[int32](t, b, `select distinct subscriber_no from kapivara.replays`); !slices.Equal(got, []int32{kept.No}) {
		t.Errorf("streams are to be sent again to %v, want only %d", got, kept.No)
	}
	got := ask[int32](t, b, `select distinct subscriber_no from kapivara.outbox`)
	if !slices.Equal(got, []int32{kept.No}) {
		t.Errorf("streams wait for %v, want only %d", got, kept.No)
	}
}

func TestRemoveOutlivesADeadlockWithADispatcher(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	b.exec(t, `insert into kapivara.buckets (bucket, subscriber) values (0, 'billing'), (1, 'billing')`)
	turn := connectOwner(t, b.owner.Config().ConnString())
	if _, err := turn.Exec(b.ctx, "set deadlock_timeout = '10s'"); err != nil {
		t.Fatal(err)
	}
	// The server ends whoever finds the deadlock when its own deadlock_timeout is over: the removal, unless this machine
	// was so slow that the removal had looked before there was any.
	const tries = 5
	for range tries {
		b.set(t, "billing", kapivara.SubscriberPatch{})
		if deadlockWithRemoval(t, b, turn) {
			return
		}
	}
	t.Errorf("in %d tries the removal was never the one that the server ended", tries)
}

// deadlockWithRemoval has a removal wait for the turn and the turn for the removal. It tells whether the turn was done, so
// that it was the removal that had to try again.
func deadlockWithRemoval(t *testing.T, b *bus, turn *pgx.Conn) bool {
	t.Helper()
	in := func(sql string, args ...any) error {
		_, err := turn.Exec(b.ctx, sql, args...)
		return err
	}
	const lock = `update kapivara.buckets set version = version + 1 where bucket = $1`
	if err := errors.Join(in("begin"), in(lock, 1)); err != nil {
		t.Fatal(err)
	}
	removed := make(chan error, 1)
	go func() {
		_, err := b.Subscribers.Remove(b.ctx, "billing")
		removed <- err
	}()
	kit.Eventually(t, timeout, func() error {
		const waiting = `select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
		if ask[int64](t, b, waiting)[0] == 0 {
			return errors.New("the removal does not wait for the bucket")
		}
		return nil
	})
	done := in(lock, 0) == nil
	if err := in("commit"); err != nil {
		t.Fatal(err)
	}
	if err := <-removed; err != nil {
		t.Errorf("the removal: %v", err)
	}
	return done
}
