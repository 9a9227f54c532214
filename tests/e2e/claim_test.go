package e2e_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go"

	"kapivara/pkg/client"
	"kapivara/tests/kit"
)

// I-16: a thousand times a bucket goes to another node under load: released, dropped without a word, or left to its ttl by
// a node that freezes and answers all it had once it is back. No delivery is committed by two owners, and nothing that a
// frozen node then says is taken. (NATS' pinned clients give "no exclusivity": two of them work on one message.)
func TestAThousandHandoversAndNoDeliveryIsCommittedByTwoOwners(t *testing.T) {
	t.Parallel()
	const handovers = 1000
	url, pgURL := startBus(t)
	c := dial(t, url)
	c.set("billing", `{"buckets": 16, "max_in_flight": 2, "ack_wait": "30s", "max_attempts": 0}`)
	l := newClaimBook()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var busy sync.WaitGroup
	busy.Go(func() { load(ctx, dial(t, url)) })
	for i := range 3 {
		busy.Go(func() { l.comeAndGo(ctx, dial(t, url), fmt.Sprint("m", i)) })
	}
	stales := make(chan int, 1)
	busy.Go(func() { stales <- l.freeze(ctx, dial(t, url)) })
	count := counter(t, pgURL)
	kit.Eventually(t, 4*time.Minute, func() error {
		if n := count("select coalesce(sum(epoch), 0)::bigint from kapivara.buckets"); n < handovers {
			return fmt.Errorf("%d of %d handovers are done", n, handovers)
		}
		return nil
	})
	cancel()
	busy.Wait()
	if n := <-stales; n == 0 {
		t.Error("no answer of a frozen node was tried")
	}
	last := joinAll(t, l, dial(t, url))
	kit.Eventually(t, 2*time.Minute, func() error {
		if n := count("select (select count(*) from kapivara.streams) - (select count(*) from kapivara.commits)"); n != 0 {
			return fmt.Errorf("%d streams are not committed", n)
		}
		return nil
	})
	last()
	for sql, want := range map[string]int64{
		"select count(*) from kapivara.outbox":                                 0,
		"select count(*) - count(distinct stream_no) from kapivara.deliveries": 0,
		"select count(*) from kapivara.retries":                                0,
		"select coalesce(sum(m - n), 0)::bigint from (select max(number) m, count(*) n from kapivara.deliveries group by bucket_no) x": 0,
	} {
		if got := count(sql); got != want {
			t.Errorf("%s: got %d, want %d", sql, got, want)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	t.Logf("%d deliveries committed", len(l.by))
	for _, f := range l.faults[:min(len(l.faults), 20)] {
		t.Error(f)
	}
}

// counter runs SQL that gives one number.
func counter(t *testing.T, pgURL string) func(sql string) int64 {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), pgURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return func(sql string) (n int64) {
		if err := conn.QueryRow(t.Context(), sql).Scan(&n); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		return n
	}
}

// Two nodes of the SDK share the buckets; the queue group gets nothing of them. When one stops the other has all, and
// nothing was handled twice: what was at hand was finished first.
func TestSubscriptionsThatClaimShareAndGiveBack(t *testing.T) {
	t.Parallel()
	url, _ := startBus(t)
	c := dial(t, url)
	c.set("billing", `{"buckets": 6, "max_in_flight": 3, "ack_wait": "30s"}`)
	queued := make(chan *nats.Msg, 100)
	join := func(handled *sync.Map) *client.Subscription {
		cl, err := client.Connect(url)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(cl.Close)
		s, err := cl.Subscribe("billing", func(_ context.Context, d *client.Delivery) error {
			if by, twice := handled.LoadOrStore(string(d.Stream), d.Number); twice {
				t.Errorf("%s was handled twice, as number %v and %d attempt %d", d.Stream, by, d.Number, d.Attempt)
			}
			return nil
		}, client.WithClaim(0, 9*time.Second), client.WithErrorHandler(func(err error) { t.Errorf("subscription: %v", err) }))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	var handled sync.Map
	have := func(s *client.Subscription, n int) {
		t.Helper()
		kit.Eventually(t, patience, func() error {
			if got := s.Claimed(); len(got) != n {
				return fmt.Errorf("%s has %v, want %d buckets", s.Node(), got, n)
			}
			return nil
		})
	}
	first := join(&handled)
	have(first, 6)
	if _, err := c.ChanQueueSubscribe("kapivara.v1.bucket.billing.*", "billing", queued); err != nil {
		t.Fatal(err)
	}
	second := join(&handled)
	have(second, 3)
	have(first, 3)
	const streams = 60
	for i := range streams {
		c.ask("kapivara.v1.append.clerk", fmt.Sprintf(
			`{"stream": "a/b/c/%d", "events": [{"id": "e%d", "type": "done", "final": true, "position": 1}]}`, i, i), &struct{}{})
		if i == streams/2 {
			stopClaiming(t, first)
		}
	}
	have(second, 6)
	kit.Eventually(t, patience, func() error {
		n := 0
		handled.Range(func(any, any) bool { n++; return true })
		if n != streams {
			return fmt.Errorf("%d of %d are handled", n, streams)
		}
		return nil
	})
	stopClaiming(t, second)
	if len(queued) > 0 {
		m := <-queued
		t.Errorf("the queue group got %s", m.Data)
	}
	var state struct{ Buckets []struct{ Owner *string } }
	c.ask("kapivara.v1.read.subscriber.billing", `{}`, &state)
	for _, b := range state.Buckets {
		if b.Owner != nil {
			t.Errorf("a bucket is with %s after both have stopped", *b.Owner)
		}
	}
}

func stopClaiming(t *testing.T, s *client.Subscription) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := s.Stop(ctx); err != nil {
		t.Errorf("stop: %v", err)
	}
}
