package dispatcher_test

import (
	"testing"
	"testing/synctest"
	"time"

	"kapivara/pkg/kapivara"
)

func TestAFinishedStreamIsSentWholeAndCommitted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, billing())
		b.finish("one", "two")
		d := b.one() // max_in_flight is 1
		if len(d.Events) != 3 || d.From != 1 || d.To != 3 || !d.Complete || d.Number != 1 || d.Attempt != 1 {
			t.Errorf("got %d events %d to %d, complete %v, number %d, attempt %d", len(d.Events), d.From, d.To, d.Complete, d.Number, d.Attempt)
		}
		b.settles(d, ack, kapivara.Committed)
		second := b.one()
		if second.Number != 2 || second.Stream != stream("two") {
			t.Errorf("got %v after the first, want two", brief([]kapivara.Delivery{second}))
		}
		b.settles(second, ack, kapivara.Committed)
		b.pass(time.Hour)
		b.none()
		if n := b.store.Pending(); n != 0 {
			t.Errorf("%d streams still wait", n)
		}
	})
}

func TestANakHidesForItsDelayOrTheBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, billing())
		b.finish("one")
		first := b.one()
		b.settles(first, nak, kapivara.Hidden)
		b.pass(999 * time.Millisecond)
		b.none()
		b.pass(time.Millisecond)
		second := b.one()
		if second.Attempt != 2 || second.Token == first.Token || second.Number != 1 {
			t.Errorf("got attempt %d, want 2 with a new token", second.Attempt)
		}
		b.settles(second, kapivara.Answer{Verdict: kapivara.Nak, Delay: time.Minute}, kapivara.Hidden)
		b.pass(time.Minute - 1)
		b.none()
		b.pass(1)
		if d := b.one(); d.Attempt != 3 {
			t.Errorf("got attempt %d, want 3", d.Attempt)
		}
	})
}

func TestTheSameAnswerIsConfirmedAgainAndAnyOtherIsStale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, billing())
		b.finish("one")
		d := b.one()
		until := b.settles(d, nak, kapivara.Hidden).Until
		if again := b.settles(d, nak, kapivara.Hidden); !again.Until.Equal(until) {
			t.Errorf("the nak is confirmed until %v the second time, %v the first", again.Until, until)
		}
		b.stale(d, ack)
		b.pass(time.Second)
		d = b.one()
		b.settles(d, ack, kapivara.Committed)
		b.pass(time.Hour)
		b.settles(d, ack, kapivara.Committed)
		b.stale(d, nak)
		if _, extra := b.store.Presence(1); extra != 2 {
			t.Errorf("got %d extra answers, want 2", extra)
		}
	})
}

func (b *bench) stale(d kapivara.Delivery, a kapivara.Answer) {
	b.t.Helper()
	s, err := b.answer(d, a)
	if code := codeOf(err); code != kapivara.StaleToken {
		b.t.Errorf("%s of %v: got %v and error %v, want stale_token", a.Verdict, brief([]kapivara.Delivery{d}), s, err)
	}
}

func codeOf(err error) kapivara.Code {
	if e, ok := err.(*kapivara.Error); ok { //nolint:errorlint // nothing wraps it
		return e.Code
	}
	return ""
}

func TestSilenceHidesAndALateAckCommits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, billing())
		b.finish("one", "two")
		first := b.one()
		b.pass(30 * time.Second)
		second := b.one() // the bucket goes on
		if second.Number != 2 {
			t.Fatalf("got %v, want number 2", brief([]kapivara.Delivery{second}))
		}
		if l := b.state(first); l.State != kapivara.Hidden || l.Counted != 0 {
			t.Errorf("the silent one is %s with %d counted attempts, want hidden and 0", l.State, l.Counted)
		}
		b.settles(first, ack, kapivara.Committed)
		b.settles(second, ack, kapivara.Committed)
		b.pass(time.Hour)
		b.none()
	})
}

func TestProgressMovesTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, billing())
		b.finish("one")
		d := b.one()
		for range 5 {
			b.pass(20 * time.Second)
			b.settles(d, progress, kapivara.Leased)
		}
		b.none()
		b.pass(31 * time.Second)
		if d := b.one(); d.Attempt != 2 {
			t.Errorf("got attempt %d after the last progress ran out, want 2", d.Attempt)
		}
	})
}

func TestAnOnlookerNeverCausesParking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, billing(func(s *kapivara.Subscriber) { s.MaxAttempts = 2; s.Backoff = []time.Duration{time.Second} }))
		b.finish("one")
		b.pass(10 * time.Minute)
		sent := b.takeSent()
		if len(sent) < 15 {
			t.Errorf("got %d sendings in ten minutes of silence, want one every 31 s", len(sent))
		}
		if l := b.state(sent[0]); l.Counted != 0 || !l.Open() {
			t.Errorf("got %s with %d counted attempts, want it open and 0", l.State, l.Counted)
		}
		if p, _ := b.store.Presence(1); !p.Silent {
			t.Error("the store does not know of the silence")
		}
	})
}

func TestPoisonIsParkedAndOthersGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, billing(func(s *kapivara.Subscriber) { s.MaxAttempts = 3; s.Backoff = []time.Duration{time.Second} }))
		attempts := 0
		b.listen(func(d kapivara.Delivery) {
			if d.Stream == stream("poison") {
				attempts++
				b.d.Settle(d.Subscriber, d.Token, nak, nil)
				return
			}
			b.d.Settle(d.Subscriber, d.Token, ack, nil)
		})
		b.finish("poison", "one", "two")
		b.pass(10 * time.Second)
		for _, n := range b.store.All() {
			want := kapivara.Committed
			if n.Name == stream("poison") {
				want = kapivara.Parked
				if n.Lease.Reason != "not today" || n.Lease.Counted != 3 {
					t.Errorf("parked for %q after %d attempts, want the reason of the nak after 3", n.Lease.Reason, n.Lease.Counted)
				}
			}
			if n.Lease.State != want {
				t.Errorf("%s is %s, want %s", n.Name, n.Lease.State, want)
			}
		}
		if attempts != 3 {
			t.Errorf("the poison was sent %d times, want 3", attempts)
		}
		b.pass(time.Hour)
		if attempts != 3 {
			t.Errorf("the parked delivery was sent again")
		}
	})
}

func TestTermParks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, billing())
		b.finish("one")
		d := b.one()
		b.settles(d, term, kapivara.Parked)
		b.settles(d, term, kapivara.Parked)
		b.stale(d, ack)
		if l := b.state(d); l.Reason != "broken" {
			t.Errorf("parked for %q", l.Reason)
		}
	})
}
