package kapivara

import "slices"

// Due is a stream that has become due for a subscriber.
type Due struct {
	Subscriber  int32 // its number
	Bucket      Bucket
	LogPosition int64 // of the event that made it due
	Stream      int64 // the store's number of the stream
	// Grown is how far the contiguous part had grown by then, where that made the stream due; 0 where its completion did.
	Grown int
}

// Stretch gives the positions of which the next delivery consists: of a growth all that grew since the delivery before,
// else the whole stream, of an open one what is there without a hole.
func (w *Waiting) Stretch() (from, to int) {
	switch {
	case w.Cause == CauseAppended:
		return w.Delivered + 1, w.Contiguous
	case w.Complete:
		return 1, w.Finish
	default:
		return 1, w.Contiguous
	}
}

// Covered tells that deliveries of earlier growths hold this one already.
func (w *Waiting) Covered() bool { return w.Cause == CauseAppended && w.Grown <= w.Delivered }

// NeedsGrowths tells whether the growth of a stream is due to some subscriber.
func (r *Registry) NeedsGrowths() bool {
	return slices.ContainsFunc(r.Subscribers, func(s *Subscriber) bool { return s.Deliver == DeliverAppended })
}

// Due lists for whom a stream is due, in the order of the subscribers: by the event at the log position completed, which
// has completed it, and by the one at grown, which has let its contiguous part grow to where it is. 0 stands for none.
func (r *Registry) Due(head *Head, completed, grown int64) []Due {
	var due []Due
	for _, s := range r.Subscribers {
		d := Due{Subscriber: s.No, LogPosition: completed, Stream: head.No}
		if s.Deliver == DeliverAppended {
			d.LogPosition, d.Grown = grown, head.Contiguous
		}
		if d.LogPosition == 0 || !s.wantsHead(head) {
			continue
		}
		d.Bucket = BucketOf(head.Stream.Hash(), head.Canary, s.Buckets, s.CanaryBuckets)
		due = append(due, d)
	}
	return due
}

// wantsHead tells whether the contiguous part of the stream fits the subscriber: one fitting type brings all of it.
func (s *Subscriber) wantsHead(h *Head) bool {
	return s.Streams.Fits(string(h.Stream)) && (s.Types.All() || slices.ContainsFunc(h.Types, func(t StoredType) bool {
		return t.First <= h.Contiguous && s.Types.Fits(t.Type)
	}))
}

// Wants tells whether a stream with these event types fits the subscriber: one fitting type brings the whole stream.
func (s *Subscriber) Wants(stream Stream, types []string) bool {
	return s.Streams.Fits(string(stream)) && (s.Types.All() || slices.ContainsFunc(types, s.Types.Fits))
}

// growth is a stream whose growth is due to a subscriber.
type growth struct {
	stream     int64
	subscriber int32
}

// due adds for whom the stream is due. Growths of a stream within one batch are joined: they become visible at once, so
// the first one stands for all.
func (d *Draft) due(head *Head, completed, grown int64) {
	for _, due := range d.registry.Due(head, completed, grown) {
		if due.Grown > 0 {
			of := growth{due.Stream, due.Subscriber}
			if i, joined := d.growths[of]; joined {
				d.Batch.Due[i].Grown = due.Grown
				continue
			}
			d.growths[of] = len(d.Batch.Due)
		}
		d.Batch.Due = append(d.Batch.Due, due)
	}
}
