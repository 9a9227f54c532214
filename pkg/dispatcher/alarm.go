package dispatcher

import (
	"container/heap"
	"time"
)

// alarm is a time at which a lane or one of its flights is to be looked at. Alarms are never taken back: whoever is woken
// looks whether there is still a reason.
type alarm struct {
	at     time.Time
	lane   *lane
	flight *flight // nil: the lane itself
	sends  int     // of the flight when the alarm was set
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
