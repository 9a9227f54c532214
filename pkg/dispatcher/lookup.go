package dispatcher

import (
	"context"

	"kapivara/pkg/kapivara"
)

// lookup is a delivery that is not in memory and was answered: hidden for long, parked, or settled.
type lookup struct {
	answers []*answer
	asked   int // grows when what was read is no longer true
	reading bool
	staged  bool // the turn being planned or written changes it
	known   bool
	found   *kapivara.Numbered // nil where there is none
}

// judgeFound judges the answers to a delivery that was looked up. After one that changes it, it is looked up anew.
func (k *desk) judgeFound(p *plan, ref kapivara.Ref, found *lookup) {
	l := k.lanes[ref.Bucket]
	if l != nil && !l.cold && !l.client.leaving && found.found != nil && found.found.Lease.State == kapivara.Leased {
		k.load(l, found.found)
	}
	if l == nil || l.cold || l.client.leaving || l.flights[ref.Number] != nil {
		delete(k.lookups, ref)
		k.asking -= len(found.answers)
		k.answers = append(k.answers, found.answers...)
		return
	}
	f := &flight{lane: l}
	if found.found != nil && found.found.Due.Subscriber == l.client.No {
		f.Numbered = *found.found
	}
	for len(found.answers) > 0 && !f.staged {
		a := found.answers[0]
		found.answers = found.answers[1:]
		k.asking--
		k.settle(p, f, a)
	}
	if f.staged {
		found.known, found.staged = false, true
	} else {
		delete(k.lookups, ref)
	}
}

// readDeliveries looks up what was answered and is not in memory.
func (k *desk) readDeliveries(ctx context.Context) bool {
	var refs []kapivara.Ref
	asked := map[kapivara.Ref]int{}
	for ref, l := range k.lookups {
		if !l.known && !l.reading && !l.staged && len(refs) < readRefs {
			l.reading = true
			refs = append(refs, ref)
			asked[ref] = l.asked
		}
	}
	if len(refs) == 0 {
		return false
	}
	k.start(ctx, func(ctx context.Context) (func(), error) {
		found, err := k.store.Deliveries(ctx, refs)
		return func() {
			by := make(map[kapivara.Ref]*kapivara.Numbered, len(found))
			for i := range found {
				by[found[i].Ref] = &found[i]
			}
			for ref, n := range asked {
				if l := k.lookups[ref]; l != nil {
					l.reading = false
					l.known, l.found = l.asked == n, by[ref]
				}
			}
		}, err
	})
	return true
}

// outdated notes that a turn has changed the delivery: what was read of it before is no longer true.
func (k *desk) outdated(ref kapivara.Ref) {
	l := k.lookups[ref]
	if l == nil {
		return
	}
	if len(l.answers) == 0 {
		delete(k.lookups, ref)
		return
	}
	l.asked++
	l.known, l.staged = false, false
}
