package e2e_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// pulls are what many pullers and nodes of one subscriber have received.
type pulls struct {
	caller
	mu        sync.Mutex
	streams   map[string][]int // the attempts that came
	last      map[string]int64
	committed map[string]bool
	faults    []string
}

func (p *pulls) fault(format string, args ...any) {
	p.faults = append(p.faults, fmt.Sprintf(format, args...))
}

// take notes a delivery. With max_in_flight 1 the first attempts of a bucket come in the order of their numbers.
func (p *pulls) take(d *delivery) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if d.Attempt == 1 {
		if d.Number != p.last[d.Bucket]+1 {
			p.fault("bucket %s: number %d after %d", d.Bucket, d.Number, p.last[d.Bucket])
		}
		p.last[d.Bucket] = d.Number
	}
	if p.committed[d.Stream] {
		p.fault("%s came after its confirmed commit", d.Stream)
	}
	if slices.Contains(p.streams[d.Stream], d.Attempt) {
		p.fault("attempt %d of %s was given out twice", d.Attempt, d.Stream)
	}
	p.streams[d.Stream] = append(p.streams[d.Stream], d.Attempt)
}

// Fifty pull at once, beside a node that listens to one bucket; some die with what they have. Each attempt goes to one of
// them, whole, each bucket in order, and what the dead had comes again after its deadline (I-11, I-13, I-14, I-15).
func TestManyPullBesideANodeAndSomeDie(t *testing.T) {
	t.Parallel()
	url, _ := startBus(t)
	c := dial(t, url)
	c.set("many", `{"buckets": 4, "streams": ["a/*"], "ack_wait": "5s", "backoff": ["100ms"], "max_attempts": 0}`)
	p := &pulls{caller: c, streams: map[string][]int{}, last: map[string]int64{}, committed: map[string]bool{}}
	listen(p, "many", "0")
	const streams, pullers = 80, 50
	done := make(chan struct{})
	var all sync.WaitGroup
	for n := range pullers {
		all.Go(func() { p.pull(n, done) })
	}
	large := strings.Repeat("x", 400_000)
	for i := range streams {
		stream, data := fmt.Sprintf("a/b/c/%d", i), `"small"`
		if i%40 == 7 {
			data = `"` + large + `"`
		}
		for n := 1; n <= 3; n++ { // three large ones pass the limit of a reply
			c.ask("kapivara.v1.append.p", fmt.Sprintf(`{"stream":%q,"events":[{"id":"%d-%d","type":"t","final":%t,"data":%s}]}`, stream, i, n, n == 3, data), &appendReply{})
		}
	}
	deadline := time.After(4 * patience)
	for waiting := true; waiting; {
		p.mu.Lock()
		waiting = len(p.committed) < streams && len(p.faults) == 0
		p.mu.Unlock()
		select {
		case <-deadline:
			waiting = false
		case <-time.After(20 * time.Millisecond):
		}
	}
	close(done)
	all.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, fault := range p.faults {
		t.Error(fault)
	}
	again := 0
	for _, attempts := range p.streams {
		if len(attempts) > 1 {
			again++
		}
	}
	if len(p.committed) != streams || again == 0 {
		t.Errorf("%d of %d streams are committed, %d of them came again after somebody died", len(p.committed), streams, again)
	}
}

// listen has a node take one bucket by push.
func listen(p *pulls, subscriber, bucket string) {
	p.t.Helper()
	k := take(p.caller, subscriber)
	if err := k.deliveries.Unsubscribe(); err != nil { // all of them are too many
		p.t.Fatal(err)
	}
	sub, err := p.QueueSubscribeSync("kapivara.v1.bucket."+subscriber+"."+bucket, subscriber)
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.Flush(); err != nil {
		p.t.Fatal(err)
	}
	ended := make(chan struct{})
	p.t.Cleanup(func() {
		_ = sub.Unsubscribe() // the connection may be closed
		<-ended
	})
	go func() {
		defer close(ended)
		for {
			m, err := sub.NextMsg(time.Hour)
			if err != nil {
				return
			}
			var d delivery
			if err := json.Unmarshal(m.Data, &d); err == nil {
				p.take(&d)
			}
			var got settled
			if err := p.call(m.Reply, "+ACK", &got); err == nil && got.Settled == "committed" {
				p.mu.Lock()
				p.committed[d.Stream] = true
				p.mu.Unlock()
			}
		}
	}()
}

// pull works as a puller until done is closed. One in twelve first attempts is dropped, as by a worker that dies.
func (p *pulls) pull(n int, done <-chan struct{}) {
	dice := rand.New(rand.NewPCG(1, uint64(n)))
	request := fmt.Sprintf(`{"batch": %d, "wait": "2s"}`, 1+n%4)
	reader := &node{caller: p.caller}
	for {
		select {
		case <-done:
			return
		default:
		}
		var reply struct{ Deliveries []delivery }
		if err := p.call("kapivara.v1.next.many", request, &reply); err != nil {
			if r := asRefusal(err); r == nil || !passing(r.Code) {
				p.mu.Lock()
				p.fault("next: %v", err)
				p.mu.Unlock()
				return
			}
			continue
		}
		for i := range reply.Deliveries {
			d := &reply.Deliveries[i]
			p.take(d)
			if d.Attempt == 1 && dice.IntN(12) == 0 {
				continue
			}
			if err := p.work(reader, d); err != nil {
				p.mu.Lock()
				p.fault("%s: %v", d.Stream, err)
				p.mu.Unlock()
			}
		}
	}
}

// work reads what did not come with the delivery, and commits it.
func (p *pulls) work(reader *node, d *delivery) error {
	if err := reader.fetch(d); err != nil {
		return err
	}
	if len(d.Events) != 3 || d.From != 1 || d.To != 3 {
		return fmt.Errorf("got %d events, %d to %d", len(d.Events), d.From, d.To)
	}
	for {
		var got settled
		err := p.call("kapivara.v1.settle.many", fmt.Sprintf(`{"token": %q, "answer": "ack"}`, d.Token), &got)
		r := asRefusal(err)
		switch {
		case err == nil && got.Settled == "committed":
			p.mu.Lock()
			p.committed[d.Stream] = true
			p.mu.Unlock()
			return nil
		case r != nil && r.Code == "stale_token":
			return nil // this machine was too slow
		case r == nil || !passing(r.Code):
			return fmt.Errorf("settle: %v, %w", got, err)
		}
		<-time.After(50 * time.Millisecond)
	}
}
