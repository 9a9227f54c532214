package porttest

import (
	"time"

	"pgregory.net/rapid"

	"kapivara/pkg/kapivara"
)

// pull asks for deliveries; what comes is held against the promises as what is sent. Of a claimed bucket nobody but its
// owner gets any.
func (w *machine) pull(r *rapid.T) {
	q := kapivara.NextQuery{
		Batch: rapid.IntRange(1, 4).Draw(r, "batch"),
		Wait:  rapid.SampledFrom([]time.Duration{0, 100 * time.Millisecond, 2 * time.Second, 20 * time.Second}).Draw(r, "wait"),
	}
	if rapid.Bool().Draw(r, "named") {
		q.Node = drawNode(r)
	}
	if rapid.Bool().Draw(r, "picks") {
		bucket := kapivara.Bucket(rapid.IntRange(0, w.subscriber.Buckets-1).Draw(r, "bucket"))
		q.Bucket = &bucket
	}
	l, most := w.link, q.Wait+2*time.Second
	begun := time.Now()
	l.d.Next("billing", q, func(deliveries []kapivara.Delivery, _ error) {
		if l.isCut() {
			return // its process is dead
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		if len(deliveries) > q.Batch || len(deliveries) > 0 && time.Since(begun) > most {
			w.fault(&deliveries[0], "is one of %d handed out after %v to a pull of %d with a wait of %v", len(deliveries), time.Since(begun), q.Batch, q.Wait)
		}
		for i := range deliveries {
			d := &deliveries[i]
			if q.Bucket != nil && *q.Bucket != d.Bucket || d.Node != "" && d.Node != q.Node {
				w.fault(d, "of %q is handed out to a pull of %q for bucket %v", d.Node, q.Node, q.Bucket)
			}
			if want := time.Now().Add(d.AckWait); d.Deadline.Before(want.Add(-time.Second)) || d.Deadline.After(want) {
				w.fault(d, "is handed out at %v with the deadline %v", time.Now(), d.Deadline)
			}
			delete(w.owners.nobodys, d.Token)
			w.given(d)
			w.pulled[d.Token] = true
			if w.healed {
				l.d.Settle(d.Subscriber, d.Token, machineAck(), nil)
			}
		}
	})
}
