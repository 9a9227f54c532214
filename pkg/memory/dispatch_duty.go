package memory

import (
	"cmp"
	"context"
	"slices"
	"time"

	"kapivara/pkg/kapivara"
)

// duty is a row of kapivara.duties.
type duty struct {
	dispatcher int32
	epoch      int64
}

// Join is the dispatcher's port.
func (d *Dispatch) Join(_ context.Context, _ string, ttl time.Duration) (int32, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.joined++
	d.dispatchers[d.joined] = d.now().Add(ttl)
	return d.joined, nil
}

// Keep is the dispatcher's port.
func (d *Dispatch) Keep(_ context.Context, dispatcher int32, ttl time.Duration) (time.Time, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.lives(dispatcher) {
		return time.Time{}, kapivara.ErrOffDuty
	}
	d.dispatchers[dispatcher] = d.now().Add(ttl)
	return d.now(), nil
}

// Leave is the dispatcher's port.
func (d *Dispatch) Leave(_ context.Context, dispatcher int32) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.dispatchers, dispatcher)
	return nil
}

func (d *Dispatch) lives(dispatcher int32) bool { return d.dispatchers[dispatcher].After(d.now()) }

// Survey is the dispatcher's port.
func (d *Dispatch) Survey(_ context.Context, dispatcher int32, most int) (*kapivara.Survey, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := &kapivara.Survey{Subscribers: len(d.subscribers)}
	loads := map[int32]int{}
	for i := range d.subscribers {
		no := d.subscribers[i].No
		has := d.duties[no]
		switch {
		case !d.lives(has.dispatcher):
			if len(s.Free) < most {
				s.Free = append(s.Free, no)
			}
			continue
		case has.dispatcher == dispatcher:
			s.Mine = append(s.Mine, kapivara.Duty{Subscriber: no, Epoch: has.epoch})
		}
		loads[has.dispatcher]++
	}
	for no := range d.dispatchers {
		if d.lives(no) {
			s.Living = append(s.Living, kapivara.Load{Dispatcher: no, Duties: loads[no]})
		}
	}
	slices.SortFunc(s.Living, func(a, b kapivara.Load) int { return cmp.Compare(a.Dispatcher, b.Dispatcher) })
	return s, nil
}

// TakeDuties is the dispatcher's port.
func (d *Dispatch) TakeDuties(_ context.Context, dispatcher int32, subscribers []int32) (taken []kapivara.Duty, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.lives(dispatcher) {
		return nil, kapivara.ErrOffDuty
	}
	for _, no := range subscribers {
		has := d.duties[no]
		set := slices.ContainsFunc(d.subscribers, func(s kapivara.Subscriber) bool { return s.No == no })
		if set && !d.lives(has.dispatcher) {
			d.duties[no] = duty{dispatcher, has.epoch + 1}
			taken = append(taken, kapivara.Duty{Subscriber: no, Epoch: has.epoch + 1})
		}
	}
	return taken, nil
}

// GiveDuties is the dispatcher's port.
func (d *Dispatch) GiveDuties(_ context.Context, dispatcher int32, subscribers []int32) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, no := range subscribers {
		if has := d.duties[no]; has.dispatcher == dispatcher {
			d.duties[no] = duty{0, has.epoch}
		}
	}
	return nil
}

// Owner is the dispatcher's port.
func (d *Dispatch) Owner(_ context.Context, subscriber string) (int32, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	i := slices.IndexFunc(d.subscribers, func(s kapivara.Subscriber) bool { return s.Name == subscriber })
	if i < 0 {
		return 0, kapivara.Refuse(kapivara.NotFound, "there is no subscriber %s", subscriber)
	}
	if has := d.duties[d.subscribers[i].No]; d.lives(has.dispatcher) {
		return has.dispatcher, nil
	}
	return 0, nil
}

// hold is kapivara.hold_dispatch of the schema.
func (d *Dispatch) hold(h kapivara.Hold) error {
	if !d.lives(h.Dispatcher) {
		return kapivara.ErrOffDuty
	}
	for _, want := range h.Duties {
		if d.duties[want.Subscriber] != (duty{h.Dispatcher, want.Epoch}) {
			return kapivara.ErrLostDuty
		}
	}
	return nil
}
