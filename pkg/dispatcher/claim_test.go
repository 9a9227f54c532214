package dispatcher_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"kapivara/pkg/kapivara"
)

// claims claims all buckets for the node, or as many as it wants, and gives what it then has.
func (b *bench) claims(node string, count int, ttl time.Duration) map[kapivara.Bucket]int64 {
	b.t.Helper()
	held, err := b.claim(kapivara.ClaimRequest{Node: node, Count: count, TTL: ttl})
	if err != nil {
		b.t.Fatalf("claim for %s: %v", node, err)
	}
	return held
}

func (b *bench) claim(r kapivara.ClaimRequest) (map[kapivara.Bucket]int64, error) {
	b.t.Helper()
	return b.call(func(done func([]kapivara.Claimed, error)) { b.d.Claim("billing", r, done) })
}

func (b *bench) releases(node string, buckets ...kapivara.Bucket) map[kapivara.Bucket]int64 {
	b.t.Helper()
	held, err := b.call(func(done func([]kapivara.Claimed, error)) {
		b.d.Release("billing", kapivara.ReleaseRequest{Node: node, Buckets: buckets}, done)
	})
	if err != nil {
		b.t.Fatalf("release of %s: %v", node, err)
	}
	return held
}

func (b *bench) call(f func(done func([]kapivara.Claimed, error))) (map[kapivara.Bucket]int64, error) {
	b.t.Helper()
	type answer struct {
		claimed []kapivara.Claimed
		error
	}
	got := make(chan answer, 1)
	f(func(claimed []kapivara.Claimed, err error) { got <- answer{claimed, err} })
	synctest.Wait()
	select {
	case a := <-got:
		held := map[kapivara.Bucket]int64{}
		for _, c := range a.claimed {
			held[c.Bucket] = c.Epoch
		}
		return held, a.error
	default:
		b.t.Fatal("the claim got no answer")
		return nil, nil
	}
}

func buckets(n int) func(*kapivara.Subscriber) {
	return func(s *kapivara.Subscriber) { s.Buckets = n }
}

func (b *bench) from(d kapivara.Delivery, node string, number int64, attempt int) {
	b.t.Helper()
	if d.Node != node || d.Number != number || d.Attempt != attempt {
		b.t.Errorf("got number %d attempt %d for %q, want number %d attempt %d for %q", d.Number, d.Attempt, d.Node, number, attempt, node)
	}
}

func TestAClaimedBucketGoesToItsOwnerAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, billing())
		if held := b.claims("n1", 0, 10*time.Second); len(held) != 1 || held[0] != 1 {
			t.Fatalf("got %v, want bucket 0 with epoch 1", held)
		}
		b.finish("one")
		d := b.one()
		b.from(d, "n1", 1, 1)
		b.settles(d, ack, kapivara.Committed)
		if held := b.claims("n1", 0, 10*time.Second); held[0] != 1 {
			t.Errorf("claiming again makes the epoch %d", held[0])
		}
		if held := b.claims("n2", 0, 10*time.Second); len(held) != 0 {
			t.Errorf("a second node gets %v of one bucket", held)
		}
	})
}

// I-16: what a node has leased when its ttl ends is void. Whatever it then answers is stale, but for the repeat of a commit.
func TestANodeThatFreezesBeyondItsTTLChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, billing())
		b.claims("n1", 0, 5*time.Second)
		b.finish("one", "two")
		committed := b.one()
		b.settles(committed, ack, kapivara.Committed)
		frozen := b.one()
		b.pass(time.Second)
		if held := b.claims("n2", 0, 20*time.Second); len(held) != 0 {
			t.Fatalf("n2 gets %v while n1 lives", held)
		}
		b.pass(4*time.Second - 1)
		b.none()
		b.pass(time.Second)
		second := b.one()
		b.from(second, "n2", 2, 2)
		for _, a := range []kapivara.Answer{nak, progress, ack, term} {
			b.stale(frozen, a)
		}
		b.settles(committed, ack, kapivara.Committed)
		b.stale(committed, nak)
		if l := b.state(second); l.State != kapivara.Leased || l.Counted != 0 {
			t.Errorf("got %s with %d counted attempts, want it leased and 0: nobody has failed", l.State, l.Counted)
		}
		b.settles(second, ack, kapivara.Committed)
		b.stale(frozen, ack)
		if held := b.claims("n1", 0, 5*time.Second); len(held) != 0 {
			t.Errorf("the frozen node is back and takes %v at once", held)
		}
	})
}

func TestAReleaseHandsOverAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, billing(buckets(4)))
		b.claims("n1", 0, time.Minute)
		b.claims("n2", 0, time.Minute)
		b.finish("one", "two", "three", "four", "five", "six")
		left := map[string]kapivara.Delivery{}
		for _, d := range b.takeSent() {
			if d.Node == "n1" {
				left[string(d.Stream)] = d
			}
		}
		if len(left) == 0 {
			t.Fatal("nothing was sent to n1")
		}
		if held := b.releases("n1"); len(held) != 0 {
			t.Errorf("n1 has %v after it gave back all", held)
		}
		if held := b.claims("n2", 0, time.Minute); len(held) != 4 {
			t.Errorf("n2 has %v, want all", held)
		}
		for _, d := range b.takeSent() {
			if old, was := left[string(d.Stream)]; was {
				b.from(d, "n2", old.Number, 2)
				delete(left, string(d.Stream))
				b.stale(old, ack)
			}
		}
		if len(left) > 0 {
			t.Errorf("%d deliveries did not go over", len(left))
		}
		b.releases("n1")
		b.releases("nobody", 3)
	})
}

// What moves between living nodes is sent to neither until what the old one has is settled; nothing becomes stale.
func TestABucketMovesBetweenLivingNodesWhenItIsSettled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, billing(buckets(2)))
		b.claims("n1", 0, 5*time.Minute)
		var names []string
		for i := range 12 {
			names = append(names, fmt.Sprint(i))
		}
		b.finish(names...)
		out := b.takeSent()
		if len(out) != 2 || out[0].Node != "n1" || out[1].Node != "n1" {
			t.Fatalf("got %v, want one of each bucket for n1", brief(out))
		}
		if held := b.claims("n2", 0, 5*time.Minute); len(held) != 0 {
			t.Fatalf("n2 has %v before n1 has settled", held)
		}
		b.none()
		for _, d := range out {
			b.settles(d, ack, kapivara.Committed)
		}
		sent := map[string]int{}
		for _, d := range b.takeSent() {
			sent[d.Node]++
			if d.Attempt != 1 {
				t.Errorf("got %v, want first attempts only", brief([]kapivara.Delivery{d}))
			}
		}
		if sent["n1"] != 1 || sent["n2"] != 1 {
			t.Errorf("got sendings %v, want one to each", sent)
		}
	})
}

func TestAMoveEndsWithTheDeadlineOfWhatIsOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, billing())
		b.finish("one") // to the queue group
		first := b.one()
		if first.Node != "" {
			t.Fatalf("got a sending to %q, want the queue group", first.Node)
		}
		if held := b.claims("n1", 0, time.Minute); len(held) != 0 {
			t.Errorf("n1 has %v while the queue group is at work", held)
		}
		b.pass(30*time.Second - 1)
		b.none()
		b.pass(10 * time.Second)
		b.from(b.one(), "n1", 1, 2)
		b.stale(first, ack)
	})
}

func TestWhereTheOwnerDoesNotListenItsClaimOfTheBucketEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, billing())
		b.claims("n1", 0, time.Minute)
		b.claims("n2", 0, time.Minute)
		b.gone("n1", true)
		b.finish("one")
		sent := b.takeSent()
		if len(sent) != 2 {
			t.Fatalf("got %v, want a sending to each node", brief(sent))
		}
		b.from(sent[0], "n1", 1, 1)
		b.from(sent[1], "n2", 1, 1) // it met nobody, so it was no attempt
		b.stale(sent[0], ack)
		b.gone("n2", true)
		b.settles(sent[1], ack, kapivara.Committed)
		b.finish("two")
		sent = b.takeSent()
		b.from(sent[len(sent)-1], "", 2, 1)
		b.gone("n1", false)
		if held := b.claims("n1", 0, time.Minute); len(held) != 0 {
			t.Errorf("n1 has %v while the queue group is at work", held)
		}
		b.settles(sent[len(sent)-1], ack, kapivara.Committed)
		if held := b.claims("n1", 0, time.Minute); len(held) != 1 {
			t.Errorf("n1 has %v after it claimed again", held)
		}
	})
}

func TestWhatNobodyHasHeardGoesToANodeAsTheSameAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, billing())
		b.hangUp()
		b.finish("one")
		b.pass(10 * time.Second)
		b.takeSent()
		b.listen(nil)
		b.gone("", true)
		if held := b.claims("n1", 0, time.Minute); len(held) != 1 {
			t.Fatalf("n1 has %v", held)
		}
		d := b.one()
		b.from(d, "n1", 1, 1)
		b.settles(d, ack, kapivara.Committed)
	})
}

func TestNodesShareEvenlyAsTheyComeAndGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, billing(buckets(8), func(s *kapivara.Subscriber) { s.CanaryBuckets = 4 }))
		even := func(least, most int, nodes ...string) {
			t.Helper()
			for _, n := range nodes { // the first round makes room, the second finds it
				b.claims(n, 0, 5*time.Minute)
			}
			total := 0
			for _, n := range nodes {
				held := b.claims(n, 0, 5*time.Minute)
				total += len(held)
				if len(held) < least || len(held) > most {
					t.Errorf("%s of %v has %d buckets, want %d to %d", n, nodes, len(held), least, most)
				}
			}
			if total != 12 {
				t.Errorf("%v have %d of 12 buckets together", nodes, total)
			}
		}
		even(12, 12, "n1")
		even(6, 6, "n1", "n2")
		even(4, 4, "n1", "n2", "n3")
		even(2, 3, "n1", "n2", "n3", "n4", "n5")
		b.releases("n2")
		even(3, 3, "n1", "n3", "n4", "n5")
		b.releases("n1")
		b.releases("n3")
		b.releases("n4")
		even(12, 12, "n5")
		if held := b.claims("n6", 2, 5*time.Minute); len(held) != 2 {
			t.Errorf("n6 wants 2 and has %v", held)
		}
		if held, err := b.claim(kapivara.ClaimRequest{Node: "n7", Buckets: []kapivara.Bucket{-1, 5}, TTL: 5 * time.Minute}); err != nil || len(held) != 2 {
			t.Errorf("n7 wants canary-0 and 5 and has %v, %v", held, err)
		}
		_, err := b.claim(kapivara.ClaimRequest{Node: "n8", Buckets: []kapivara.Bucket{77}, TTL: 5 * time.Minute})
		if codeOf(err) != kapivara.NotFound {
			t.Errorf("a claim of a bucket that is not there: %v", err)
		}
	})
}

func TestClaimsOutliveTheDispatcher(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, billing())
		b.claims("n1", 0, 10*time.Second)
		b.finish("one")
		d := b.one()
		b.d.Stop()
		b.begin(b.store)
		b.pass(5 * time.Second)
		b.settles(d, ack, kapivara.Committed)
		b.finish("two")
		b.from(b.one(), "n1", 2, 1)
		b.pass(6 * time.Second) // its time is over
		b.pass(time.Minute)
		sent := b.takeSent()
		if len(sent) == 0 || sent[0].Node != "" || sent[0].Attempt != 2 {
			t.Errorf("got %v, want the second attempt of two for the queue group", brief(sent))
		}
		if claims := b.store.Claims("billing"); claims[0].Owner != "" || claims[0].Epoch != 2 {
			t.Errorf("got %v in the store, want no owner and epoch 2", claims)
		}
	})
}

// A node could not claim while there was no dispatcher. It has a moment to do so afterwards, and its honest answers count.
func TestWithoutADispatcherNoClaimIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, billing())
		b.claims("n1", 0, time.Second)
		b.finish("one")
		d := b.one()
		b.d.Stop()
		time.Sleep(time.Minute / 4) // its ttl is long over, the deadline is not
		b.begin(b.store)
		b.pass(500 * time.Millisecond)
		if held := b.claims("n1", 0, time.Second); held[0] != 1 {
			t.Errorf("n1 has %v, want bucket 0 at epoch 1", held)
		}
		b.settles(d, ack, kapivara.Committed)
	})
}

func TestTheRemovalOfASubscriberEndsItsClaims(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, billing())
		b.claims("n1", 0, time.Minute)
		b.store.Remove("billing")
		b.d.Poke(false, true)
		synctest.Wait()
		if _, err := b.claim(kapivara.ClaimRequest{Node: "n1", TTL: time.Minute}); !errors.Is(err, kapivara.ErrOffDuty) {
			t.Errorf("got %v for a claim of a subscriber that is gone", err)
		}
		b.store.Subscribe(billing())
		b.d.Poke(false, true)
		synctest.Wait()
		if held := b.claims("n2", 0, time.Minute); held[0] != 3 { // 1 for n1, 2 for its end
			t.Errorf("got %v, want epoch 3", held)
		}
	})
}

// I-20: a delivery that kills each node that takes it is parked after max_attempts, although no deadline of it passes.
func TestWhatKillsItsNodesIsParked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, billing(func(s *kapivara.Subscriber) { s.MaxInFlight, s.MaxAttempts = 2, 2 }))
		b.claims("n1", 0, 5*time.Second)
		b.finish("poison", "two")
		sent := b.takeSent()
		if len(sent) != 2 {
			t.Fatalf("got %v, want both", brief(sent))
		}
		b.pass(time.Second)
		b.settles(sent[1], ack, kapivara.Committed)
		b.claims("n2", 0, 12*time.Second)
		b.pass(5 * time.Second) // the time of the first ends
		again := b.takeSent()
		second := again[len(again)-1]
		b.from(second, "n2", 1, 2)
		b.pass(time.Second)
		b.finish("three")
		b.settles(b.one(), ack, kapivara.Committed)
		b.pass(10 * time.Second)
		if l := b.state(second); l.State != kapivara.Parked || l.Counted != 2 {
			t.Errorf("got %s with %d counted attempts, want it parked after 2", l.State, l.Counted)
		}
		b.takeSent()
		b.claims("n3", 0, 5*time.Second)
		b.none()
	})
}
