package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go"

	"kapivara/pkg/client"
	"kapivara/tests/kit"
)

// claimed is the answer to a claim.
type claimed struct {
	Buckets []struct {
		Bucket string
		Epoch  int64
	}
}

// deliveryHead is what these tests read of a delivery.
type deliveryHead struct {
	Bucket  string
	Number  int64
	Attempt int
	Token   string
	Stream  string
}

func (d *deliveryHead) place() string { return fmt.Sprintf("%s/%d", d.Bucket, d.Number) }

// claimBook is what the nodes of a subscriber were told.
type claimBook struct {
	mu     sync.Mutex
	by     map[string]string // who committed a delivery
	at     map[string]int    // with which attempt
	epochs map[string]map[int64]string
	faults []string
}

func newClaimBook() *claimBook {
	return &claimBook{by: map[string]string{}, at: map[string]int{}, epochs: map[string]map[int64]string{}}
}

func (l *claimBook) fault(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.faults = append(l.faults, fmt.Sprintf(format, args...))
}

// committed notes a confirmed commit.
func (l *claimBook) committed(node, place string, attempt int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if other, twice := l.by[place]; twice && other != node {
		l.faults = append(l.faults, fmt.Sprintf("%s was committed by %s and by %s", place, other, node))
	}
	l.by[place], l.at[place] = node, attempt
}

// came notes a delivery to a node. An attempt after the one that was committed is one too many; an earlier one has only
// waited for this node to look.
func (l *claimBook) came(node string, d *deliveryHead) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if by, done := l.by[d.place()]; done && d.Attempt > l.at[d.place()] {
		l.faults = append(l.faults, fmt.Sprintf("%s came to %s after its confirmed commit by %s", d.place(), node, by))
	}
}

// holds notes what a node has by the answer to its claim.
func (l *claimBook) holds(node string, c claimed) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, b := range c.Buckets {
		if l.epochs[b.Bucket] == nil {
			l.epochs[b.Bucket] = map[int64]string{}
		}
		if other, known := l.epochs[b.Bucket][b.Epoch]; known && other != node {
			l.faults = append(l.faults, fmt.Sprintf("bucket %s is with %s and with %s at epoch %d", b.Bucket, other, node, b.Epoch))
		}
		l.epochs[b.Bucket][b.Epoch] = node
	}
}

// node is one run of a claiming node, with nothing of ours.
type claimingNode struct {
	caller
	name string
	book *claimBook
	sub  *nats.Subscription
	came chan *nats.Msg
}

func (l *claimBook) node(c caller, subscriber, name string) (*claimingNode, error) {
	n := &claimingNode{caller: c, name: name, book: l, came: make(chan *nats.Msg, 4096)}
	var err error
	if n.sub, err = c.ChanQueueSubscribe("kapivara.v1.bucket."+subscriber+".*."+name, subscriber, n.came); err != nil {
		return nil, err
	}
	return n, c.FlushTimeout(c.within)
}

func (n *claimingNode) claims(subscriber, more string) (claimed, error) {
	var c claimed
	err := n.call("kapivara.v1.claim."+subscriber, fmt.Sprintf(`{"node": %q%s}`, n.name, more), &c)
	n.book.holds(n.name, c)
	return c, err
}

func (n *claimingNode) release(subscriber string) error {
	var c claimed
	return n.call("kapivara.v1.release."+subscriber, fmt.Sprintf(`{"node": %q}`, n.name), &c)
}

// take gives the next delivery, nil when none came in time.
func (n *claimingNode) take(within time.Duration) (*nats.Msg, *deliveryHead) {
	select {
	case m := <-n.came:
		var d deliveryHead
		if err := json.Unmarshal(m.Data, &d); err != nil {
			n.book.fault("a delivery is no JSON: %v", err)
		}
		n.book.came(n.name, &d)
		return m, &d
	case <-time.After(within):
		return nil, nil
	}
}

// answers sends an answer as a request and tells what was said.
func (n *claimingNode) answers(subject, answer string) (string, error) {
	var settled struct{ Settled string }
	err := n.call(subject, answer, &settled)
	if r := asRefusal(err); r != nil {
		return r.Code, nil
	}
	return settled.Settled, err
}

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

// load stores finished streams, until ctx ends.
func load(ctx context.Context, c caller) {
	for i := 0; ctx.Err() == nil; i++ {
		_ = c.call("kapivara.v1.append.clerk", fmt.Sprintf(
			`{"stream": "a/b/c/%d", "events": [{"id": "e%d", "type": "done", "final": true, "position": 1}]}`, i, i), &struct{}{}) // sent again by nobody: then there is one less
	}
}

// comeAndGo runs one node after another. Each works for a moment, and then releases, or goes without a word.
func (l *claimBook) comeAndGo(ctx context.Context, c caller, name string) {
	for run := 0; ctx.Err() == nil; run++ {
		n, err := l.node(c, "billing", fmt.Sprintf("%s-%d", name, run))
		if err == nil {
			_, err = n.claims("billing", `, "ttl": "2s"`)
		}
		if err != nil {
			l.fault("claim: %v", err)
			return
		}
		for until := time.Now().Add(time.Duration(20+run%5*10) * time.Millisecond); time.Now().Before(until); {
			n.work()
		}
		if run%4 < 3 {
			if err := n.release("billing"); err != nil {
				l.fault("release: %v", err)
			}
		}
		_ = n.sub.Unsubscribe() // what comes now meets nobody
		for len(n.came) > 0 {
			n.work() // too late or not: both are honest
		}
	}
}

// work commits the next delivery, or has it again.
func (n *claimingNode) work() {
	m, d := n.take(5 * time.Millisecond)
	if m == nil {
		return
	}
	answer := "+ACK"
	if d.Attempt == 1 && d.Number%10 == 0 {
		answer = `-NAK {"delay": "1ms"}`
	}
	switch got, err := n.answers(m.Reply, answer); {
	case err != nil:
		n.book.fault("%s of %s: %v", answer, d.place(), err)
	case got == "committed":
		n.book.committed(n.name, d.place(), d.Attempt)
	case got != "hidden" && got != "stale_token":
		n.book.fault("%s of %s: got %s", answer, d.place(), got)
	}
}

// freeze runs nodes that claim, commit one delivery, and then stand still beyond their ttl. Back again, they answer all
// that they had, by reply and by settle. It gives how many answers were refused.
func (l *claimBook) freeze(ctx context.Context, c caller) (stale int) {
	for run := 0; ctx.Err() == nil; run++ {
		n, err := l.node(c, "billing", fmt.Sprintf("frozen-%d", run))
		if err == nil {
			_, err = n.claims("billing", `, "ttl": "1s"`)
		}
		if err != nil {
			l.fault("claim: %v", err)
			return stale
		}
		n.work()
		<-time.After(2500 * time.Millisecond) // its ttl, a second, and what a busy machine takes
		tried := 0
		for m, d := n.take(time.Millisecond); m != nil; m, d = n.take(time.Millisecond) {
			for _, try := range [][2]string{
				{m.Reply, "-NAK"}, {m.Reply, "+WPI"}, {m.Reply, "+ACK"}, {m.Reply, "+TERM no"},
				{"kapivara.v1.settle.billing", fmt.Sprintf(`{"token": %q, "answer": "ack"}`, d.Token)},
				{"kapivara.v1.settle.billing", fmt.Sprintf(`{"token": %q, "answer": "nak"}`, d.Token)},
				{"kapivara.v1.settle.billing", fmt.Sprintf(`{"token": %q, "answer": "progress"}`, d.Token)},
				{"kapivara.v1.settle.billing", fmt.Sprintf(`{"token": %q, "answer": "term"}`, d.Token)},
			} {
				if tried++; tried > 80 {
					break
				}
				if got, err := n.answers(try[0], try[1]); err != nil || got != "stale_token" {
					l.fault("%s of %s by a node that was frozen: got %s, %v", try[1], d.place(), got, err)
				}
				stale++
			}
		}
		_ = n.sub.Unsubscribe()
	}
	return stale
}

// joinAll has a node take all that is left.
func joinAll(t *testing.T, l *claimBook, c caller) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	n, err := l.node(c, "billing", "last")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			if _, err := n.claims("billing", `, "ttl": "5s"`); err != nil {
				l.fault("claim: %v", err)
				return
			}
			for until := time.Now().Add(time.Second); time.Now().Before(until) && ctx.Err() == nil; {
				n.work()
			}
		}
	}()
	return func() {
		cancel()
		<-ended
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
		}, client.WithClaim(0, 3*time.Second), client.WithErrorHandler(func(err error) { t.Errorf("subscription: %v", err) }))
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
