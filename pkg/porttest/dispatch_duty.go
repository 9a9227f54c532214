package porttest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"kapivara/pkg/kapivara"
)

// join begins a run.
func (d *desk) join(ttl time.Duration) kapivara.Hold {
	d.t.Helper()
	run, err := d.Join(d.ctx, "test", ttl)
	if err != nil || run == 0 {
		d.t.Fatalf("join: run %d, %v", run, err)
	}
	return kapivara.Hold{Dispatcher: run}
}

// take gives the duties that were free.
func (d *desk) take(run int32, subscribers ...int32) []kapivara.Duty {
	d.t.Helper()
	taken, err := d.TakeDuties(d.ctx, run, subscribers)
	if err != nil {
		d.t.Fatalf("take duties: %v", err)
	}
	return taken
}

func (d *desk) owner(want int32) {
	d.t.Helper()
	if got, err := d.Owner(d.ctx, "billing"); err != nil || got != want {
		d.t.Errorf("run %d works for billing, %v; want %d", got, err, want)
	}
}

func (d *desk) empty() kapivara.Turn { return kapivara.Turn{} }

// I-16: a duty is of one at a time, and its epoch only grows.
func dispatchDuty(t *testing.T, d *desk) {
	first, second := d.hold, d.join(time.Hour)
	d.owner(first.Dispatcher)
	if taken := d.take(second.Dispatcher, d.subscriber); len(taken) != 0 {
		t.Fatalf("a second run took %v", taken)
	}
	if _, err := d.Keep(d.ctx, first.Dispatcher, time.Hour); err != nil {
		t.Errorf("keep: %v", err)
	}
	if err := d.Leave(d.ctx, first.Dispatcher); err != nil {
		t.Errorf("leave: %v", err)
	}
	d.owner(0)
	second.Duties = d.take(second.Dispatcher, d.subscriber, 999)
	if len(second.Duties) != 1 || second.Duties[0].Epoch <= first.Duties[0].Epoch {
		t.Fatalf("got %v after %v", second.Duties, first.Duties)
	}
	d.owner(second.Dispatcher)
	if err := d.Leave(d.ctx, first.Dispatcher); err != nil {
		t.Errorf("leave what has ended: %v", err)
	}
	if err := d.GiveDuties(d.ctx, first.Dispatcher, []int32{d.subscriber}); err != nil {
		t.Errorf("give what is another's: %v", err)
	}
	d.owner(second.Dispatcher)
	d.hold = second
	d.must(d.empty())
	if _, err := d.Owner(d.ctx, "nobody"); kapivara.CodeOf(err) != kapivara.NotFound {
		t.Errorf("got error %v for a subscriber that is not there, want not_found", err)
	}
}

// I-16: a dispatcher that was frozen beyond its time prolongs, takes and writes nothing when it wakes up.
func dispatchRunEnds(t *testing.T, d *desk) {
	late := d.join(time.Microsecond)
	for {
		if _, err := d.Keep(d.ctx, late.Dispatcher, time.Microsecond); errors.Is(err, kapivara.ErrOffDuty) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := d.Keep(d.ctx, late.Dispatcher, time.Hour); !errors.Is(err, kapivara.ErrOffDuty) {
		t.Errorf("keep: got error %v, want that the run has ended", err)
	}
	if err := d.Leave(d.ctx, d.hold.Dispatcher); err != nil {
		t.Fatal(err)
	}
	if _, err := d.TakeDuties(d.ctx, late.Dispatcher, []int32{d.subscriber}); !errors.Is(err, kapivara.ErrOffDuty) {
		t.Errorf("take: got error %v, want that the run has ended", err)
	}
	if _, err := d.Keep(d.ctx, d.hold.Dispatcher, time.Hour); !errors.Is(err, kapivara.ErrOffDuty) {
		t.Errorf("keep what was left: got error %v, want that the run has ended", err)
	}
	if next := d.join(time.Hour); next.Dispatcher <= late.Dispatcher {
		t.Errorf("got run %d after %d", next.Dispatcher, late.Dispatcher)
	}
}

func dispatchGive(t *testing.T, d *desk) {
	first, second := d.hold, d.join(time.Hour)
	if err := d.GiveDuties(d.ctx, first.Dispatcher, []int32{d.subscriber}); err != nil {
		t.Fatal(err)
	}
	d.owner(0)
	d.refused(d.empty(), kapivara.ErrLostDuty)
	d.hold.Duties = d.take(first.Dispatcher, d.subscriber)
	if len(d.hold.Duties) != 1 || d.hold.Duties[0].Epoch <= first.Duties[0].Epoch {
		t.Fatalf("got %v back after %v", d.hold.Duties, first.Duties)
	}
	d.must(d.empty())
	if err := d.GiveDuties(d.ctx, first.Dispatcher, []int32{d.subscriber}); err != nil {
		t.Fatal(err)
	}
	second.Duties = d.take(second.Dispatcher, d.subscriber)
	d.refused(d.empty(), kapivara.ErrLostDuty)
	d.hold = second
	d.must(d.empty())
}

func dispatchSurvey(t *testing.T, d *desk) {
	other := d.Subscribe(kapivara.NewSubscriber("other"))
	third := d.Subscribe(kapivara.NewSubscriber("third"))
	second := d.join(time.Hour)
	survey := func(run int32, most int) *kapivara.Survey {
		s, err := d.Survey(d.ctx, run, most)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := survey(d.hold.Dispatcher, 9)
	living := []kapivara.Load{{Dispatcher: d.hold.Dispatcher, Duties: 1}, {Dispatcher: second.Dispatcher}}
	if s.Subscribers != 3 || !slices.Equal(s.Living, living) || !slices.Equal(s.Mine, d.hold.Duties) || !slices.Equal(s.Free, []int32{other, third}) {
		t.Errorf("got %+v", s)
	}
	d.take(second.Dispatcher, other)
	if s = survey(second.Dispatcher, 9); len(s.Mine) != 1 || s.Mine[0].Subscriber != other || !slices.Equal(s.Free, []int32{third}) {
		t.Errorf("the second has %+v", s)
	}
	if err := d.Leave(d.ctx, d.hold.Dispatcher); err != nil {
		t.Fatal(err)
	}
	if s = survey(second.Dispatcher, 1); len(s.Living) != 1 || len(s.Free) != 1 {
		t.Errorf("got %+v after the first has left, want one of two", s)
	}
}

// The turn touches two subscribers, and the duty for one is another's: all of it is refused, and done without that one.
func dispatchLost(t *testing.T, d *desk) {
	other := d.Subscribe(kapivara.NewSubscriber("other"))
	mine := d.hold.Duties
	d.hold.Duties = slices.Concat(mine, d.take(d.hold.Dispatcher, other))
	d.must(d.empty())
	if err := d.GiveDuties(d.ctx, d.hold.Dispatcher, []int32{other}); err != nil {
		t.Fatal(err)
	}
	d.Finish("a/b/c/1", 2, false)
	turn := kapivara.Turn{Leases: []kapivara.NewDelivery{d.leaseNext(d.due()[0])}}
	d.refused(turn, kapivara.ErrLostDuty)
	if _, err := d.OpenBuckets(d.ctx, d.hold, []kapivara.BucketRow{{Subscriber: "other"}}); !errors.Is(err, kapivara.ErrLostDuty) {
		t.Errorf("open buckets: got error %v, want that a duty is lost", err)
	}
	if len(d.due()) != 1 {
		t.Error("the refused turn has changed something")
	}
	d.hold.Duties = mine
	d.must(turn)
}

// I-16: many dispatchers take the same duties of one that has ended, all at once.
func dispatchRush(t *testing.T, d *desk) {
	subscribers := []int32{d.subscriber}
	for i := range 30 {
		subscribers = append(subscribers, d.Subscribe(kapivara.NewSubscriber(fmt.Sprint("s", i))))
	}
	first := d.take(d.hold.Dispatcher, subscribers[:15]...)
	if err := d.Leave(d.ctx, d.hold.Dispatcher); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	took := map[int32]int64{}
	for range 6 {
		run := d.join(time.Hour)
		all.Go(func() {
			for range 3 { // one that was in another's way tries again
				taken, err := d.TakeDuties(d.ctx, run.Dispatcher, subscribers)
				if err != nil && !errors.Is(err, kapivara.ErrStaleTurn) {
					t.Error(err)
				}
				mu.Lock()
				for _, duty := range taken {
					if _, twice := took[duty.Subscriber]; twice {
						t.Errorf("the duty for subscriber %d was given twice", duty.Subscriber)
					}
					took[duty.Subscriber] = duty.Epoch
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	for _, duty := range first {
		if took[duty.Subscriber] != duty.Epoch+1 {
			t.Errorf("subscriber %d has epoch %d after %d", duty.Subscriber, took[duty.Subscriber], duty.Epoch)
		}
	}
	if len(took) != len(subscribers) {
		t.Errorf("%d of %d duties were given", len(took), len(subscribers))
	}
}
