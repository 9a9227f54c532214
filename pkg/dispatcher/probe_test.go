package dispatcher_test

import (
	"testing"
	"testing/synctest"
	"time"

	"kapivara/pkg/kapivara"
)

// sayKept says what was kept back, and keeps back what comes then.
func (w *word) sayKept() {
	w.mu.Lock()
	said := w.said
	w.said = nil
	w.mu.Unlock()
	for _, f := range said {
		f()
	}
}

// I-14: what met nobody is tried ever more seldom, also where it has waited for its bucket to go to a node that has given up
// meanwhile. The known wrong way tries it again as soon as it hears that nobody listens, without end and without any time
// passing.
func TestWhatHasWaitedForAMoveIsTriedNoMoreOftenThanAnythingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, billing(func(s *kapivara.Subscriber) { s.MaxInFlight, s.AckWait = 2, time.Minute }))
		b.finish("heard of")
		b.settles(b.one(), ack, kapivara.Committed)
		b.hangUp()
		b.finish("one", "two") // both meet nobody
		b.takeSent()
		b.listen(nil)
		b.word.keep()
		b.pass(60 * time.Millisecond)
		first := b.one() // somebody has it, which is not known yet
		b.claimsLater("n1")
		b.word.letGo() // the other one waits until the first is answered and n1 has the bucket
		synctest.Wait()
		b.none()
		b.hangUp()
		b.word.keep()
		b.releases("n1") // so there is nothing to wait for
		b.pass(60 * time.Millisecond)
		if d := b.one(); d.Number == first.Number {
			t.Fatalf("got %v, want the other one", brief([]kapivara.Delivery{d}))
		}
		for range 5 {
			b.word.sayKept() // that nobody listens
			synctest.Wait()
			b.none()
			b.pass(2 * time.Second)
			b.one()
		}
	})
}

// claimsLater claims all buckets, which is confirmed some time.
func (b *bench) claimsLater(node string) {
	b.d.Claim("billing", kapivara.ClaimRequest{Node: node, TTL: time.Minute}, func([]kapivara.Claimed, error) {})
	synctest.Wait()
}
