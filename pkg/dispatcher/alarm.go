package dispatcher

import (
	"container/heap"
	"time"

	"kapivara/pkg/kapivara"
)

// alarm is a time at which a lane or one of its flights is to be looked at. Alarms are never taken back: whoever is woken
// looks whether there is still a reason.
type alarm struct {
	at     time.Time
	lane   *lane
	flight *flight // nil: the lane itself
	client *client // not nil: a claim of one of its nodes ends
	waiter *waiter // whose time is over; then there is no lane
}

// alarms is a heap, the earliest first.
type alarms []alarm

func (a alarms) Len() int           { return len(a) }
func (a alarms) Less(i, j int) bool { return a[i].at.Before(a[j].at) }
func (a alarms) Swap(i, j int)      { a[i], a[j] = a[j], a[i] }
func (a *alarms) Push(x any)        { *a = append(*a, x.(alarm)) }
func (a *alarms) Pop() any {
	last := len(*a) - 1
	x := (*a)[last]
	(*a)[last] = alarm{}
	*a = (*a)[:last]
	return x
}

func (a *alarms) set(x alarm) { heap.Push(a, x) }

// ring takes the earliest alarm if its time has come.
func (a *alarms) ring(now time.Time) (alarm, bool) {
	if len(*a) == 0 || (*a)[0].at.After(now) {
		return alarm{}, false
	}
	return heap.Pop(a).(alarm), true
}

// ring looks after every alarm whose time has come.
func (k *desk) ring() {
	if steps := k.clock.stepped(); steps != k.steps || len(k.byStore) > k.crowded {
		k.steps = steps
		k.rearm()
		k.crowded = 2*len(k.byStore) + fewAlarms
	}
	for now := k.clock.now(); ; {
		a, ok := k.byStore.ring(now)
		if !ok {
			break
		}
		switch f := a.flight; {
		case a.client != nil:
			k.reviewSoon(a.client)
		case f == nil:
			k.touch(a.lane)
		case a.lane.flights[f.Number] == f && f.Lease.State == kapivara.Leased:
			k.late = append(k.late, f)
		}
	}
	for now := time.Now(); ; {
		a, ok := k.byLocal.ring(now)
		if !ok {
			break
		}
		if a.waiter != nil {
			k.over(a.waiter)
		} else {
			k.tryAgain(a)
		}
	}
}

// fewAlarms may be out of date without being looked for.
const fewAlarms = 10_000

// rearm sets every alarm by the store's clock anew, since that clock has gone back and some have rung too early, or since
// most are of deliveries that are settled: with a long ack_wait those would fill the memory.
func (k *desk) rearm() {
	k.byStore = nil
	for _, c := range k.clients {
		for _, n := range c.claims.nodes {
			k.byStore.set(alarm{at: n.until, client: c})
		}
	}
	for _, l := range k.lanes {
		if !l.retouch.IsZero() {
			l.retouch = time.Time{}
			k.touch(l) // which sets it anew
		}
		for _, f := range l.flights {
			if f.Lease.State != kapivara.Leased {
				k.byStore.set(alarm{at: f.Lease.Until, lane: l})
			} else if !f.unheard && !f.out.IsZero() {
				k.byStore.set(alarm{at: f.Lease.Until, lane: l, flight: f})
			}
		}
	}
}

// untilAlarm is how long nothing is to be done if nothing comes in.
func (k *desk) untilAlarm() time.Duration {
	wait := k.cfg.Poll
	if k.surveyed && !k.reading && !k.stopping {
		wait -= time.Since(k.looked)
	}
	if !k.sharing && !k.stopping {
		wait = min(wait, k.cfg.TTL/5-time.Since(k.shared))
	}
	if len(k.byStore) > 0 {
		wait = min(wait, k.byStore[0].at.Sub(k.clock.now()))
	}
	if len(k.byLocal) > 0 {
		wait = min(wait, time.Until(k.byLocal[0].at))
	}
	return max(wait, 0)
}
