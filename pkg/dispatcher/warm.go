package dispatcher

import (
	"cmp"
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"kapivara/pkg/kapivara"
)

// readBuckets reads the rows and the leased deliveries of lanes that are cold, many subscribers at once.
func (k *desk) readBuckets(ctx context.Context) bool {
	gens := map[*lane]int{}
	names := map[string]*client{}
	for _, l := range k.hungry {
		c := l.client
		if !l.cold || k.clients[c.No] != c {
			continue
		}
		if names[c.Name] == nil && len(names) == readNames {
			continue
		}
		names[c.Name] = c
		gens[l] = l.gen
	}
	if len(names) == 0 {
		return false
	}
	list := make([]string, 0, len(names))
	for name := range names {
		list = append(list, name)
	}
	k.start(ctx, func(ctx context.Context) (func(), error) {
		nodes, err := k.store.Nodes(ctx, numbers(names))
		if err != nil {
			return nil, err
		}
		rows, leased, err := k.store.Buckets(ctx, list)
		return func() {
			k.meet(names, nodes)
			k.warm(names, gens, rows, leased)
		}, err
	})
	return true
}

// warm takes in what was read of cold lanes. A bucket beyond the settings in force has a lane of its own: what it has
// leased is still to be settled.
func (k *desk) warm(names map[string]*client, gens map[*lane]int, rows []kapivara.BucketRow, leased []kapivara.Numbered) {
	for i := range rows {
		c := names[rows[i].Subscriber]
		if k.clients[c.No] != c {
			continue
		}
		l := c.lanes[rows[i].Bucket]
		if l == nil {
			l = k.lane(c, rows[i].Bucket)
			gens[l] = l.gen
		}
		if _, asked := gens[l]; asked && l.cold && l.gen == gens[l] {
			l.row = rows[i]
			k.lanes[l.row.No] = l
		}
	}
	warmed := map[int32]*lane{}
	for l, gen := range gens {
		if l.cold && l.gen == gen {
			l.cold = false
			warmed[l.row.No] = l
		}
	}
	slices.SortFunc(leased, func(a, b kapivara.Numbered) int { return cmp.Compare(a.Number, b.Number) })
	for i := range leased {
		if l := warmed[leased[i].Ref.Bucket]; l != nil {
			k.load(l, &leased[i])
		}
	}
	early := k.early
	k.early = nil
	for _, token := range early {
		k.missed(token)
	}
	for ref := range k.unsent {
		if warmed[ref.Bucket] != nil {
			delete(k.unsent, ref)
		}
	}
	for l, gen := range gens {
		if !l.cold && l.gen == gen {
			clear(l.carried)
			clear(l.loans)
			k.reshare(l.client)
			k.touch(l)
			k.feed(l)
		}
	}
}

// load takes an unsettled delivery into memory, as it is in the store.
func (k *desk) load(l *lane, n *kapivara.Numbered) {
	if l.flights[n.Number] != nil || n.Due.Subscriber != l.client.No {
		return
	}
	f := &flight{Numbered: *n, lane: l}
	switch n.Lease.State {
	case kapivara.Leased:
		l.add(f)
		f.out, f.doubt = n.Lease.Sent, true
		if attempt, unsent := k.unsent[n.Ref]; unsent && attempt == n.Lease.Attempt {
			f.out = time.Time{}
			k.resend(f)
			return
		}
		if k.loaned(l, f) {
			return
		}
		attempt, carried := l.carried[n.Number]
		f.doubt = !carried || attempt != n.Lease.Attempt
		carried = carried && max(attempt, -attempt) == n.Lease.Attempt
		nobody := l.row.Claim.Owner == "" && l.client.listening != nil && !*l.client.listening
		if carried || nobody && !n.Lease.Pulled {
			k.unhear(f, spread(), lastProbe)
			return
		}
		if n.Lease.Pulled { // by a pull of the desk before
			f.lent = true
			l.client.notePuller(l.row.Claim.Owner)
		}
		k.byStore.set(alarm{at: f.Lease.Until, lane: l, flight: f})
	case kapivara.Hidden, kapivara.Pending:
		l.add(f)
		k.conceal(l, f)
	default: // settled meanwhile
	}
}

// conceal hides a flight until its time.
func (k *desk) conceal(l *lane, f *flight) {
	if l.hide(f) {
		k.byStore.set(alarm{at: f.Lease.Until, lane: l})
	}
	k.feed(l)
}

// spread is when a first try after a start is made, so that not all are made at once.
func spread() time.Duration { return rand.N(time.Second) }
