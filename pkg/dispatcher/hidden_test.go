package dispatcher_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"kapivara/pkg/kapivara"
)

func TestABucketGoesInOrderWhateverWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, billing())
		var last int64
		b.listen(func(d kapivara.Delivery) {
			if d.Number != last+1 || d.Stream != stream(fmt.Sprint(d.Number)) {
				t.Errorf("got %v after number %d", brief([]kapivara.Delivery{d}), last)
			}
			last = d.Number
			b.d.Settle(d.Subscriber, d.Token, ack, nil)
		})
		for i := range 1500 { // far more than the desk keeps in memory, and more than a look at the tail takes
			b.store.Finish(stream(fmt.Sprint(i+1)), 1, false)
		}
		b.d.Poke(true, false)
		b.pass(5 * time.Second)
		if last != 1500 {
			t.Errorf("got %d deliveries, want 1500", last)
		}
	})
}

func TestWhatIsHiddenComesInItsTimeHoweverMuchIsHidden(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, billing(func(s *kapivara.Subscriber) { s.MaxInFlight = 50 }))
		due := map[int64]time.Time{}
		late := time.Duration(0)
		b.listen(func(d kapivara.Delivery) {
			if d.Attempt == 1 {
				a := kapivara.Answer{Verdict: kapivara.Nak, Delay: time.Duration(d.Number*7919%600+2) * time.Second} // in no order
				b.d.Settle(d.Subscriber, d.Token, a, func(s kapivara.Settled, err error) {
					if err != nil {
						t.Errorf("nak: %v", err)
					}
					due[d.Number] = s.Until
				})
				return
			}
			if early := time.Until(due[d.Number]); early > 0 {
				t.Errorf("number %d came %v early", d.Number, early)
			}
			late = max(late, time.Since(due[d.Number]))
			b.d.Settle(d.Subscriber, d.Token, ack, nil)
		})
		for i := range 700 {
			b.store.Finish(stream(fmt.Sprint(i)), 1, false)
		}
		b.d.Poke(true, false)
		b.pass(11 * time.Minute)
		for _, n := range b.store.All() {
			if n.Lease.State != kapivara.Committed || n.Lease.Attempt != 2 {
				t.Errorf("number %d is %s at attempt %d, want committed at 2", n.Number, n.Lease.State, n.Lease.Attempt)
			}
		}
		if late > time.Second || len(due) != 700 {
			t.Errorf("of %d hidden ones one came %v late", len(due), late)
		}
	})
}

func TestALateAnswerFindsWhatIsNotInMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, billing(func(s *kapivara.Subscriber) {
			s.MaxInFlight = 500
			s.AckWait = time.Second
			s.Backoff = []time.Duration{time.Hour}
		}))
		for i := range 500 {
			b.store.Finish(stream(fmt.Sprint(i)), 1, false)
		}
		b.d.Poke(true, false)
		b.pass(10 * time.Second)
		sent := b.takeSent()
		if len(sent) != 500 {
			t.Fatalf("got %d sendings, want 500", len(sent))
		}
		for i := range 60 {
			d := sent[len(sent)-1-i]
			if l := b.state(d); l.State != kapivara.Hidden {
				t.Fatalf("a silent one is %s, want hidden", l.State)
			}
			switch i % 3 {
			case 0:
				b.settles(d, ack, kapivara.Committed)
				b.settles(d, ack, kapivara.Committed)
			case 1:
				b.settles(d, term, kapivara.Parked)
				b.stale(d, ack)
			case 2:
				b.settles(d, progress, kapivara.Leased)
				b.settles(d, nak, kapivara.Hidden)
			}
		}
	})
}

func TestALongStreamGoesByReference(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, billing(func(s *kapivara.Subscriber) { s.MaxInFlight = 3 }))
		b.listen(func(d kapivara.Delivery) { b.d.Settle(d.Subscriber, d.Token, ack, nil) })
		b.store.Finish(stream("short"), 2, false)
		b.store.Finish(stream("long"), 5000, false)
		b.store.Finish(stream("other"), 1, false)
		b.d.Poke(true, false)
		synctest.Wait()
		for i, d := range b.takeSent() {
			if want := []int{2, 0, 1}[i]; len(d.Events) != want || (d.Events == nil) != (want == 0) {
				t.Errorf("%s came with %d events, want %d", d.Stream, len(d.Events), want)
			}
		}
	})
}

func TestOneThatTakesLongLetsTheFloorMoveOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, billing(func(s *kapivara.Subscriber) { s.MaxInFlight, s.AckWait = 2, time.Hour }))
		var slow kapivara.Delivery
		b.listen(func(d kapivara.Delivery) {
			if d.Number == 1 {
				slow = d
				return
			}
			b.d.Settle(d.Subscriber, d.Token, ack, nil)
		})
		for i := range 1200 {
			b.store.Finish(stream(fmt.Sprint(i)), 1, false)
		}
		b.d.Poke(true, false)
		b.pass(5 * time.Second)
		rows, leased, err := b.store.Buckets(t.Context(), []string{"billing"})
		if err != nil || len(rows) != 1 || rows[0].Sent != 1200 || rows[0].Floor < 1000 || len(leased) != 1 {
			t.Errorf("got %+v with %d leased, %v, want a floor near 1200 sent", rows, len(leased), err)
		}
		if l := b.state(slow); l.State != kapivara.Leased || time.Until(l.Until) < 59*time.Minute {
			t.Errorf("the slow one is %s until %v, want its deadline as it was", l.State, l.Until)
		}
		b.settles(slow, ack, kapivara.Committed)
		b.pass(2 * time.Hour)
		if n := len(b.takeSent()); n != 1200 {
			t.Errorf("got %d sendings, want each once", n)
		}
	})
}
