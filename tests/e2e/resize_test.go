package e2e_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kapivara/pkg/client"
	"kapivara/tests/kit"
)

// resizeRun is a bus with two subscribers whose buckets change.
type resizeRun struct {
	t           *testing.T
	url, pgURL  string
	c           caller
	load        resizeLoad
	whole, fold *resizing
	out         []*client.Delivery // held by nodes of whole
	let         []*resizeHold
}

func newResizeRun(t *testing.T) *resizeRun {
	t.Helper()
	url, pgURL := startBus(t)
	r := &resizeRun{t: t, url: url, pgURL: pgURL, c: dial(t, url)}
	r.whole = &resizing{t: t, url: url, c: r.c, book: newResizeBook("whole", false), options: []client.SubscribeOption{client.WithClaim(0, 9*time.Second)}}
	r.fold = &resizing{t: t, url: url, c: r.c, book: newResizeBook("fold", true)}
	r.c.set("whole", `{"buckets": 4, "ack_wait": "30s"}`)
	r.c.set("fold", `{"buckets": 4, "ack_wait": "30s", "deliver": "appended"}`)
	return r
}

func (r *resizeRun) resize(patch string) {
	r.t.Helper()
	r.c.set("whole", patch)
	r.c.set("fold", patch)
}

// work waits until both have committed so much more over these buckets.
func (r *resizeRun) work(buckets, more int) {
	r.t.Helper()
	r.whole.works(buckets, more)
	r.fold.works(buckets, more)
}

// hold keeps the next delivery to whole that is here from being settled.
func (r *resizeRun) hold(here func(*client.Delivery) bool) {
	r.t.Helper()
	h := r.whole.book.hold(here)
	select {
	case d := <-h.got:
		r.out, r.let = append(r.out, d), append(r.let, h)
	case <-time.After(2 * patience):
		r.t.Fatal("nothing came to be held")
	}
}

// I-13 to I-17, I-19 over NATS: 4 to 16 to 3 to 8 buckets and a canary that is promoted, under load, for whole streams at
// nodes that claim and for growths in a queue group, nodes coming and going. What is out when its bucket goes away is
// settled there; what was never sent moves, once. (Axon's merge sends again what was handled, Pulsar's Key_Shared gets
// stuck behind what is out, pcgroups fixes the maximum when it is made.)
func TestBucketsAreResizedUnderLoadOverNATS(t *testing.T) {
	t.Parallel()
	r := newResizeRun(t)
	defer r.fold.book.tell(t)
	defer r.whole.book.tell(t)
	r.load.begin(r.c, 120) // before anybody works: the first change finds something to move
	loading, stop := context.WithCancel(t.Context())
	defer stop()
	var busy sync.WaitGroup
	for writer := range 2 {
		busy.Go(func() { r.load.write(loading, dial(t, r.url), writer+1) })
	}
	defer stopClaiming(t, r.whole.join())
	defer stopClaiming(t, r.fold.join())
	second := r.fold.join()
	r.work(4, 20)
	r.resize(`{"buckets": 16, "canary_buckets": 2}`)
	third := r.whole.join()
	r.work(16, 40)
	stopClaiming(t, third)
	// One is out in a bucket that neither 3 nor 8 have, and stays out.
	r.hold(func(d *client.Delivery) bool { return !d.Bucket.Canary() && d.Bucket >= 8 })
	r.resize(`{"buckets": 3}`)
	stopClaiming(t, second)
	defer stopClaiming(t, r.fold.join())
	r.work(3, 40)
	r.stickCanaries()
	r.resize(`{"buckets": 8, "canary_buckets": 0}`)
	r.work(8, 40)
	stop()
	busy.Wait()
	if !t.Failed() {
		r.drain()
		isResized(t, counter(t, r.pgURL), len(r.load.streams))
	}
}

// stickCanaries has one delivery of each canary bucket out: what waits behind it waits, and nothing else does.
func (r *resizeRun) stickCanaries() {
	r.t.Helper()
	for _, bucket := range []string{"canary-0", "canary-1"} {
		r.hold(func(d *client.Delivery) bool { return d.Bucket.String() == bucket })
	}
	r.whole.works(3, 20)
	kit.Eventually(r.t, 2*patience, func() error {
		n := 0
		for _, b := range r.whole.state().Buckets {
			if strings.HasPrefix(b.Bucket, "canary-") {
				n += b.Pending
			}
		}
		if n < 8 {
			return fmt.Errorf("%d wait in canary buckets, want 8", n)
		}
		return nil
	})
}

// drain waits until all is handled but what is out, in buckets that are no more and in nobody's way; lets that go as
// well, and waits until its buckets are gone.
func (r *resizeRun) drain() {
	r.t.Helper()
	kit.Eventually(r.t, 4*patience, func() error {
		w, f := r.whole.book.missing(r.load.streams), r.fold.book.missing(r.load.streams)
		if w != len(r.out) || f != 0 {
			return fmt.Errorf("of %d streams %d and %d are not handled, want %d and none", len(r.load.streams), w, f, len(r.out))
		}
		return nil
	})
	var want []string
	for _, d := range r.out {
		want = append(want, fmt.Sprintf("%s: 1 leased, 0 more", d.Bucket))
	}
	kit.Eventually(r.t, patience, func() error {
		if got := r.whole.state().unsettled(); !slices.Equal(got, want) {
			return fmt.Errorf("unsettled are %q, want %q", got, want)
		}
		return nil
	})
	for _, h := range r.let {
		close(h.let)
	}
	for _, s := range []*resizing{r.whole, r.fold} {
		kit.Eventually(r.t, 2*patience, func() error {
			if state := s.state(); state.Moving != nil || len(state.unsettled()) > 0 || len(state.Buckets) != 8 {
				return fmt.Errorf("%s is %+v, want 8 buckets and nothing unsettled", s.book.name, state)
			}
			return nil
		})
	}
}
