package dispatcher_test

import (
	"testing"
	"testing/synctest"
	"time"

	"kapivara/pkg/kapivara"
)

// A delivery that nobody heard for long is out from when somebody does. The dispatcher after the one that sent it knows
// that, and does not take its first attempt for silent while its node works on it.
func TestTheDeadlineOfWhatWasSentLateOutlivesTheDispatcher(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, billing())
		b.hangUp()
		b.finish("one")
		b.pass(time.Hour)
		b.takeSent()
		b.listen(nil)
		b.pass(2 * time.Second)
		d := b.one()
		b.pass(5 * time.Second)
		b.d.Stop()
		b.begin(b.store)
		b.pass(15 * time.Second)
		b.none()
		b.settles(d, ack, kapivara.Committed)
		b.pass(time.Minute)
		b.none()
	})
}
