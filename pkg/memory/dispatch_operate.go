package memory

import (
	"cmp"
	"context"
	"math"
	"slices"

	"kapivara/pkg/kapivara"
)

// operatePage is small, so that tests go through several parts.
const operatePage = 3

// Operate is the dispatcher's port.
func (d *Dispatch) Operate(
	_ context.Context, hold kapivara.Hold, subscriber string, o *kapivara.Operation, from kapivara.OperateMark,
) (*kapivara.Operated, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s, err := d.holdSubscriber(hold, subscriber)
	if err != nil {
		return nil, err
	}
	if from.Waiting {
		return d.operateWaiting(s, o, from), nil
	}
	done := &kapivara.Operated{}
	found := d.chosen(s, o, from)
	if err := d.checkChosen(o, found); err != nil {
		return nil, err
	}
	switch {
	case len(o.Numbers) == 0 && len(found) > operatePage:
		found = found[:operatePage]
		done.Next = &kapivara.OperateMark{Ref: found[operatePage-1].Ref}
	case o.Unnumbered():
		done.Next = &kapivara.OperateMark{Waiting: true, Ref: kapivara.Ref{Bucket: math.MinInt32}}
	}
	for _, n := range found {
		d.operate(n, o, done)
	}
	return done, nil
}

func (d *Dispatch) holdSubscriber(hold kapivara.Hold, name string) (*kapivara.Subscriber, error) {
	if err := d.hold(hold); err != nil {
		return nil, err
	}
	for i := range d.subscribers {
		switch s := &d.subscribers[i]; {
		case s.Name != name:
		case !hold.Has(s.No):
			return nil, kapivara.ErrLostDuty
		default:
			return s, nil
		}
	}
	return nil, kapivara.Refuse(kapivara.NotFound, "no subscriber has this name; set it in the registry first")
}

// operate does the operation to one delivery.
func (d *Dispatch) operate(n *kapivara.Numbered, o *kapivara.Operation, done *kapivara.Operated) {
	next, changed := n.Lease.Operate(o, d.now())
	if !changed {
		return
	}
	done.Count++
	if o.DryRun {
		return
	}
	n.Lease, n.Retried = next, true
	d.buckets[n.Ref.Bucket-1].Version++
	done.Changed = append(done.Changed, *n) // its Due names the bucket
}

// chosen are the numbered deliveries behind the mark that the operation is for, by bucket and number.
func (d *Dispatch) chosen(s *kapivara.Subscriber, o *kapivara.Operation, from kapivara.OperateMark) (found []*kapivara.Numbered) {
	for _, n := range d.deliveries {
		bucket := d.buckets[n.Ref.Bucket-1].Bucket
		behind := cmp.Or(cmp.Compare(n.Ref.Bucket, from.Ref.Bucket), cmp.Compare(n.Number, from.Number)) > 0
		named := slices.Contains(o.Numbers, kapivara.Numbering{Bucket: bucket, Number: n.Number}) ||
			o.Stream != "" && n.Name == o.Stream && o.Verb.Takes(n.Lease.State) ||
			o.State == n.Lease.State && (o.Bucket == nil || *o.Bucket == bucket)
		if n.Due.Subscriber == s.No && behind && named {
			found = append(found, n)
		}
	}
	slices.SortFunc(found, func(a, b *kapivara.Numbered) int {
		return cmp.Or(cmp.Compare(a.Ref.Bucket, b.Ref.Bucket), cmp.Compare(a.Number, b.Number))
	})
	return found
}

func (d *Dispatch) checkChosen(o *kapivara.Operation, found []*kapivara.Numbered) error {
	switch {
	case len(o.Numbers) > len(found):
		return kapivara.Refuse(kapivara.NotFound, "%d of the %d numbered deliveries are not there; nothing was changed",
			len(o.Numbers)-len(found), len(o.Numbers))
	case o.Stream != "" && !slices.ContainsFunc(d.streams, func(s *dispatchStream) bool { return s.Stream == o.Stream }):
		return kapivara.Refuse(kapivara.NotFound, "no event of this stream is stored")
	}
	return nil
}
