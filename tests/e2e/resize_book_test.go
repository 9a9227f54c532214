package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kapivara/pkg/client"
)

// resizeBook is what the nodes of one subscriber see, held against the invariants while its buckets change. Its
// subscriber has max_in_flight 1.
type resizeBook struct {
	name     string
	growths  bool // deliver: appended
	mu       sync.Mutex
	sent     map[key]string  // what was sent by this number
	busy     map[string]bool // streams at work
	done     map[string]int  // the last position handled of each stream
	highest  map[string]int64
	over     map[int]int // handled, by the number of normal buckets
	canaries int         // handled in canary buckets
	holds    []*resizeHold
	faults   []string
}

// resizeHold keeps a delivery unsettled until it is let go.
type resizeHold struct {
	here func(*client.Delivery) bool
	got  chan *client.Delivery
	let  chan struct{}
}

func newResizeBook(name string, growths bool) *resizeBook {
	return &resizeBook{
		name: name, growths: growths, sent: map[key]string{}, busy: map[string]bool{}, done: map[string]int{},
		highest: map[string]int64{}, over: map[int]int{},
	}
}

// hold has the next delivery that is here held back by its node.
func (b *resizeBook) hold(here func(*client.Delivery) bool) *resizeHold {
	h := &resizeHold{here: here, got: make(chan *client.Delivery, 1), let: make(chan struct{})}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.holds = append(b.holds, h)
	return h
}

// handle is the nodes' handler: it sees to what comes, refuses some first attempts, and commits the rest.
func (b *resizeBook) handle(ctx context.Context, d *client.Delivery) error {
	var at []int
	for e, err := range d.Events(ctx) {
		if err != nil {
			return err
		}
		at = append(at, e.Position)
	}
	if h := b.come(d, at); h != nil {
		h.got <- d
		select {
		case <-h.let:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.busy, string(d.Stream))
	if d.Attempt == 1 && xxh64([]byte(d.Stream))%7 == 0 {
		return client.RetryAfter(20*time.Millisecond, errors.New("not now"))
	}
	b.done[string(d.Stream)] = d.To
	if d.Bucket.Canary() {
		b.canaries++
	} else {
		b.over[d.Buckets]++
	}
	return nil
}

// come judges a delivery with events at these positions, and gives the hold that it falls into.
func (b *resizeBook) come(d *client.Delivery, positions []int) *resizeHold {
	b.mu.Lock()
	defer b.mu.Unlock()
	stream, at := string(d.Stream), key{d.Bucket.String(), d.Number}
	fault := func(format string, args ...any) {
		b.faults = append(b.faults, fmt.Sprintf("%s %s/%d of %d, attempt %d, %s %d to %d: ",
			b.name, d.Bucket, d.Number, d.Buckets, d.Attempt, stream, d.From, d.To)+fmt.Sprintf(format, args...))
	}
	// I-13: by the rule over the buckets that it shows; I-19: canary streams alone are in canary buckets.
	want := fmt.Sprint(jump(xxh64([]byte(stream)), d.Buckets))
	if d.Bucket.Canary() {
		want = "canary-" + want
	}
	if at.bucket != want || d.Canary != strings.Contains(stream, "/odd/") || d.Bucket.Canary() && !d.Canary {
		fault("belongs into bucket %s", want)
	}
	// I-15: nothing again once it is committed; I-17: what was sent keeps its bucket and its number.
	after := b.done[stream]
	switch {
	case d.To <= after:
		fault("was handled up to %d", after)
	case d.From != after+1 || !b.growths && d.To != resizeEvents:
		fault("comes after position %d", after)
	case !slices.Equal(positions, fromTo(d.From, d.To)):
		fault("has events at the positions %v", positions)
	case b.busy[stream]:
		fault("comes while another of its stream is out")
	}
	b.busy[stream] = true
	what := fmt.Sprintf("%s from %d to %d of %d", stream, d.From, d.To, d.Buckets)
	if before := b.sent[at]; before != "" && before != what {
		fault("was %s before", before)
	}
	b.sent[at] = what
	// I-14: first attempts follow the numbers.
	if d.Attempt == 1 && d.Number != b.highest[at.bucket]+1 {
		fault("comes after number %d", b.highest[at.bucket])
	}
	b.highest[at.bucket] = max(b.highest[at.bucket], d.Number)
	for i, h := range b.holds {
		if h.here(d) {
			b.holds = slices.Delete(b.holds, i, i+1)
			return h
		}
	}
	return nil
}

func fromTo(from, to int) (all []int) {
	for p := from; p <= to; p++ {
		all = append(all, p)
	}
	return all
}

// handled counts what was committed over so many buckets since the count before.
func (b *resizeBook) handled(buckets int) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.over[buckets]
}

// missing are the streams that were not handled to their end.
func (b *resizeBook) missing(streams []string) (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range streams {
		if b.done[s] != resizeEvents {
			n++
		}
	}
	return n
}

// tell fails the test with what the nodes have found.
func (b *resizeBook) tell(t *testing.T) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, f := range b.faults[:min(len(b.faults), 20)] {
		t.Error(f)
	}
	t.Logf("%s: %d deliveries over %v buckets and %d in canary buckets", b.name, len(b.sent), b.over, b.canaries)
	if b.canaries == 0 {
		t.Errorf("%s has had nothing in canary buckets", b.name)
	}
}
