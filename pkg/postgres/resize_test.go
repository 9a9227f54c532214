package postgres_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"kapivara/pkg/dispatcher"
	"kapivara/pkg/kapivara"
	"kapivara/pkg/postgres"
	"kapivara/tests/kit"
)

// checkers are nodes that answer in every way and hold what they are sent against invariants I-13, I-15 and I-17.
type checkers struct {
	mu        sync.Mutex
	rand      *rand.Rand
	d         *dispatcher.Dispatcher
	placed    map[kapivara.Stream]string // bucket, number and buckets of its delivery
	committed map[kapivara.Stream]bool
	faults    []string
}

func (c *checkers) Send(d *kapivara.Delivery) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	fault := func(format string, args ...any) {
		c.faults = append(c.faults, fmt.Sprintf("%s (%s/%d of %d, attempt %d): ", d.Stream, d.Bucket, d.Number, d.Buckets, d.Attempt)+fmt.Sprintf(format, args...))
	}
	want := kapivara.Bucket(kapivara.JumpHash(d.Stream.Hash(), d.Buckets))
	if d.Bucket.Canary() {
		want = -1 - want
	}
	place := fmt.Sprintf("%s/%d of %d", d.Bucket, d.Number, d.Buckets)
	switch before := c.placed[d.Stream]; {
	case d.Bucket != want || d.Bucket.Canary() && !d.Canary:
		fault("belongs into bucket %s", want)
	case before != "" && before != place:
		fault("was sent as %s before", before)
	case c.committed[d.Stream]:
		fault("was sent after its confirmed commit")
	}
	c.placed[d.Stream] = place
	a := kapivara.Answer{Verdict: kapivara.Ack, Delay: -1}
	switch n := c.rand.IntN(20); {
	case n == 0:
		return nil // silent
	case n < 3:
		a = kapivara.Answer{Verdict: kapivara.Nak, Delay: 10 * time.Millisecond, Reason: "not now"}
	}
	subscriber, token, stream := d.Subscriber, d.Token, d.Stream
	go c.d.Settle(subscriber, token, a, func(s kapivara.Settled, err error) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if err == nil && s.State == kapivara.Committed {
			c.committed[stream] = true
		}
	})
	return nil
}

func (c *checkers) Line() int64 { return 0 }

func (c *checkers) Echo(_ int64, heard func(bool)) { heard(true) }

func (c *checkers) Notify(string, *kapivara.DeliveryRow) {}

// startDispatcher has the checkers served by a dispatcher that is poked by hand.
func (c *checkers) startDispatcher(t *testing.T, url string) {
	t.Helper()
	pool, err := postgres.Open(t.Context(), url, postgres.RoleDispatcher, 5)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	c.d = dispatcher.New(postgres.NewDispatch(pool), c, dispatcher.Config{Poll: 50 * time.Millisecond}, kit.Logger(t))
	if err := c.d.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.d.Stop)
}

// I-17: 4 to 16 to 3 to 8 buckets, canary buckets on the way, under load, with two writers that append and place. (Axon's
// merge sends again what was handled, Pulsar's Key_Shared gets stuck, pcgroups fixes the maximum when it is made.)
func TestBucketsAreResizedUnderLoad(t *testing.T) {
	t.Parallel()
	url := kit.Postgres(t)
	b := &bus{owner: connectOwner(t, url), ctx: t.Context()}
	one, registry := startWriter(t, url)
	two, _ := startWriter(t, url)
	b.Registry = registry
	b.set(t, "billing", kapivara.SubscriberPatch{
		Buckets: p(4), MaxInFlight: p(3), AckWait: p(500 * time.Millisecond), MaxAttempts: p(0), Backoff: p([]time.Duration{50 * time.Millisecond}),
	})
	// Many wait before anybody works, so that the changes find something to move.
	const before, meanwhile = 1500, 100
	appendAll(t, [2]*writerUnder{{one, 0}, {two, 1}}, before)
	c := &checkers{rand: rand.New(rand.NewPCG(1, 7)), placed: map[kapivara.Stream]string{}, committed: map[kapivara.Stream]bool{}}
	c.startDispatcher(t, url)
	total := before
	for i, layout := range []kapivara.SubscriberPatch{
		{Buckets: p(16), CanaryBuckets: p(2)}, {Buckets: p(3)}, {Buckets: p(8), CanaryBuckets: p(0)},
	} {
		head := ask[int64](t, b, `select count(*) from kapivara.commits`)[0]
		kit.Eventually(t, timeout, func() error {
			if n := ask[int64](t, b, `select count(*) from kapivara.commits`)[0]; n < head+100 {
				return fmt.Errorf("%d are committed before change %d", n, i)
			}
			return nil
		})
		b.set(t, "billing", layout)
		c.d.Poke(true, true)
		appendAll(t, [2]*writerUnder{{one, total}, {two, total + 1}}, meanwhile)
		total += meanwhile
	}
	kit.Eventually(t, 2*timeout, func() error {
		if n := ask[int64](t, b, `select count(*) from kapivara.commits`)[0]; n != int64(total) {
			return fmt.Errorf("%d of %d are committed", n, total)
		}
		return nil
	})
	c.d.Stop()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, fault := range c.faults {
		t.Error(fault)
	}
	b.isDrained(t, total)
	layouts := ask[int16](t, b, `select distinct buckets from kapivara.deliveries order by 1`)
	if want := []int16{2, 3, 4, 8, 16}; !slices.Equal(layouts, want) {
		t.Errorf("deliveries were placed over %v buckets, want %v", layouts, want)
	}
}

// isDrained holds what is left in the store when all is committed against the rules of numbers and of log order.
func (b *bus) isDrained(t *testing.T, total int) {
	t.Helper()
	for sql, want := range map[string]int64{
		`select count(*) from kapivara.outbox`:                                     0,
		`select count(*) from kapivara.retries`:                                    0,
		`select count(*) from kapivara.subscribers where moving_until is not null`: 0,
		`select count(distinct stream_no) from kapivara.deliveries`:                int64(total),
		`select count(*) from kapivara.deliveries`:                                 int64(total),
		`select count(*) from kapivara.buckets b where b.sent <> (select count(*) from kapivara.deliveries d where d.bucket_no = b.bucket_no)`: 0,
		// Among what was placed by one layout, the numbers of a bucket follow the log.
		`select count(*) from (select due, lag(due) over (partition by bucket_no, buckets order by number) as before
			from kapivara.deliveries) d where d.due < d.before`: 0,
	} {
		if got := ask[int64](t, b, sql)[0]; got != want {
			t.Errorf("%s: got %d, want %d", sql, got, want)
		}
	}
}
