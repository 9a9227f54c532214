package dispatcher

import (
	"testing"
	"time"

	"kapivara/pkg/kapivara"
)

// The deadline of what is answered long before must not stay in memory until it passes: with an ack_wait of hours that
// would be every delivery of those hours.
func TestAlarmsOfWhatIsSettledAreForgotten(t *testing.T) {
	t.Parallel()
	d := New(nil, nil, Config{}, nil)
	d.clock.sync(time.Now(), time.Now())
	k := d.newDesk(1, nil, nil)
	c := newClient(kapivara.NewSubscriber("billing"))
	l := newLane(c, 0, 1)
	l.row.No = 1
	k.lanes[1] = l
	leased := func(number int64) *flight {
		f := &flight{lane: l}
		f.Number, f.Stream, f.Lease.State = number, number, kapivara.Leased
		l.add(f)
		k.await(f, k.clock.now(), time.Hour)
		return f
	}
	waits := leased(1)
	for n := range 200_000 {
		l.drop(leased(int64(n + 2)))
		k.ring()
	}
	if n := len(k.byStore); n > 50_000 {
		t.Errorf("got %d alarms, want few: one delivery is leased", n)
	}
	for _, a := range k.byStore {
		if a.flight == waits && a.at.Equal(waits.Lease.Until) {
			return
		}
	}
	t.Error("the deadline of the one that is leased is forgotten")
}
