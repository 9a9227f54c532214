package dispatcher

import (
	"math"

	"kapivara/pkg/kapivara"
)

// A change of the numbers of buckets moves what was never sent and nothing else. Until the writers have placed it, nothing
// that is due after the log position up to which they have come is leased for the first time; answers, deadlines and
// later attempts go on in the bucket that a delivery has. So does a bucket that is no more, until nothing of it is left.

// settings brings the client to the settings of the roster. Where the layout is another, or is placed anew, the queues are
// thrown away: what they hold may be due elsewhere. So they are where layouts have come and gone since the roster before: what
// was placed anew may stand behind what the lanes have read.
func (k *desk) settings(c *client, s *kapivara.Subscriber) {
	changed := c.Layout() != s.Layout()
	c.Subscriber = *s
	k.advance(c, changed, s.Moving)
}

// advance notes up to which log position the client is placed; nil means to the end.
func (k *desk) advance(c *client, changed bool, m *kapivara.Move) {
	placed := int64(math.MaxInt64)
	if m != nil {
		placed = m.Placed
	}
	if placed == c.placed && !changed {
		return
	}
	changed = changed || placed < c.placed
	c.placed = placed
	k.readAnew(c, changed)
}

// readAnew has what waits for the client read on, from the beginning or from where its lanes have come to.
func (k *desk) readAnew(c *client, whole bool) {
	for _, l := range c.lanes {
		if whole {
			l.queue, l.after, l.overflown = nil, 0, true
		}
		l.stalled = false
		l.rewind()
		k.feed(l)
	}
}

// moves takes in how far the streams of clients are placed, as the look has found it.
func (k *desk) moves(found *kapivara.Look) {
	if found.Registry != k.registry {
		return // the roster tells, together with the layouts
	}
	placed := make(map[int32]*kapivara.Move, len(found.Moves))
	for i := range found.Moves {
		placed[found.Moves[i].Subscriber] = &found.Moves[i]
	}
	for _, c := range k.clients {
		if m := placed[c.No]; m != nil || c.placing() {
			k.advance(c, false, m)
		}
	}
}

// placing tells that what is due to the client is still being placed.
func (c *client) placing() bool { return c.placed != math.MaxInt64 }

// left tells that the bucket is no more: nothing is leased for the first time in it.
func (l *lane) left() bool { return !l.client.Layout().Has(l.bucket) }

// waiting takes in what waits in the lane, as far as it is placed. An answer that is not full has all.
func (k *desk) waiting(l *lane, due []kapivara.Waiting, q kapivara.LaneQuery) {
	taken := 0
	for taken < len(due) && due[taken].LogPosition <= l.client.placed {
		k.takeDue(l, &due[taken], q.Grown)
		taken++
	}
	full := taken == q.Limit
	l.overflown = full || l.client.placing()
	l.stalled = !full && l.client.placing()
}

// layouts are what a turn with these leases holds against the registry.
func (k *desk) layouts(leased []kapivara.NewDelivery) (held []kapivara.HeldLayout) {
	at := map[int32]int{}
	for i := range leased {
		due := leased[i].Due
		n, known := at[due.Subscriber]
		if !known {
			n = len(held)
			at[due.Subscriber] = n
			held = append(held, kapivara.HeldLayout{Subscriber: due.Subscriber, Layout: k.clients[due.Subscriber].Layout()})
		}
		held[n].Due = max(held[n].Due, due.LogPosition)
	}
	return held
}
