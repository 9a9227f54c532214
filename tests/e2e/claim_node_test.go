package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
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
		return r.Code, nil //nolint:nilerr // the refusal is what was said
	}
	return settled.Settled, err
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
				{m.Reply, "-NAK"},
				{m.Reply, "+WPI"},
				{m.Reply, "+ACK"},
				{m.Reply, "+TERM no"},
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
