package e2e_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
)

// delivery is a delivery as protocol section 7 shows it.
type delivery struct {
	Subscriber string            `json:"subscriber"`
	Bucket     string            `json:"bucket"`
	Buckets    int               `json:"buckets"`
	Canary     bool              `json:"canary"`
	Number     int64             `json:"number"`
	Attempt    int               `json:"attempt"`
	Cause      string            `json:"cause"`
	Stream     string            `json:"stream"`
	Version    int               `json:"version"`
	Finish     int               `json:"finish"`
	Complete   bool              `json:"complete"`
	From       int               `json:"from"`
	To         int               `json:"to"`
	Events     []json.RawMessage `json:"events"`
	AckWait    string            `json:"ack_wait"`
	Deadline   time.Time         `json:"deadline"`
	Token      string            `json:"token"`
	Read       *struct {
		Subject string          `json:"subject"`
		Request json.RawMessage `json:"request"`
	} `json:"read"`

	header nats.Header
}

// key names a delivery through all its attempts.
type key struct {
	bucket string
	number int64
}

func (d *delivery) key() key { return key{d.Bucket, d.Number} }

// seen is all that the queue members of one subscriber have received and settled.
type seen struct {
	mu        sync.Mutex
	firsts    map[key]*delivery // the first that came, whatever attempt it is
	attempts  int
	answers   map[string]int
	committed map[key]int // confirmed: which attempt
	faults    []error
	changed   chan struct{} // holds one value when something was committed
}

func newSeen() *seen {
	return &seen{firsts: map[key]*delivery{}, answers: map[string]int{}, committed: map[key]int{}, changed: make(chan struct{}, 1)}
}

func (s *seen) fault(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, fmt.Errorf(format, args...))
}

// received notes an attempt.
func (s *seen) received(d *delivery) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.attempts++
	// A message that was on its way when another attempt committed is no new sending.
	if attempt, ok := s.committed[d.key()]; ok && d.Attempt > attempt {
		s.faults = append(s.faults, fmt.Errorf("%s/%d: attempt %d came after the confirmed commit of attempt %d", d.Bucket, d.Number, d.Attempt, attempt))
	}
	first := s.firsts[d.key()]
	if first == nil {
		s.firsts[d.key()] = d
		return
	}
	if first.Stream != d.Stream || first.Buckets != d.Buckets || first.To != d.To || first.Cause != d.Cause {
		s.faults = append(s.faults, fmt.Errorf("%s/%d: attempt %d carries %s, another one %s", d.Bucket, d.Number, d.Attempt, d.Stream, first.Stream))
	}
}

func (s *seen) commit(d *delivery) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if attempt, ok := s.committed[d.key()]; ok {
		s.faults = append(s.faults, fmt.Errorf("%s/%d: attempts %d and %d are both confirmed", d.Bucket, d.Number, attempt, d.Attempt))
	}
	s.committed[d.key()] = d.Attempt
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

func (s *seen) count(answer string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers[answer]++
}

// node is one queue member.
type node struct {
	caller
	seen   *seen
	choose func() string // the answer to the next delivery, "" is none; called by the subscription's goroutine alone
	last   map[string]int64
	done   sync.WaitGroup
}

// join starts a node. It ends with the test.
func join(t *testing.T, url, subscriber string, s *seen, choose func() string, options ...nats.Option) {
	t.Helper()
	n := &node{caller: dial(t, url, options...), seen: s, choose: choose, last: map[string]int64{}}
	n.within = 5 * time.Second
	sub, err := n.QueueSubscribe("kapivara.v1.bucket."+subscriber+".*", subscriber, n.handle)
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Flush(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ended := make(chan struct{})
		sub.SetClosedHandler(func(string) { close(ended) })
		if err := sub.Drain(); err == nil {
			<-ended
		}
		n.done.Wait()
	})
}

func (n *node) handle(msg *nats.Msg) {
	d := &delivery{header: msg.Header}
	if err := json.Unmarshal(msg.Data, d); err != nil {
		n.seen.fault("delivery %q: %w", msg.Data, err)
		return
	}
	// Messages of one connection come in the order in which they were sent.
	if d.Attempt == 1 {
		if d.Number <= n.last[d.Bucket] {
			n.seen.fault("%s/%d: first sent after number %d", d.Bucket, d.Number, n.last[d.Bucket])
		}
		n.last[d.Bucket] = d.Number
	}
	if err := n.fetch(d); err != nil {
		n.seen.fault("%s/%d: %w", d.Bucket, d.Number, err)
	}
	n.seen.received(d)
	answer := n.choose()
	n.seen.count(answer)
	if answer == "" {
		return
	}
	n.done.Add(1)
	go func() {
		defer n.done.Done()
		if err := n.answer(d, msg.Reply, answer); err != nil {
			n.seen.fault("%s/%d: %s: %w", d.Bucket, d.Number, answer, err)
		}
	}()
}

// fetch reads the events of a delivery that was too large to carry them.
func (n *node) fetch(d *delivery) error {
	if d.Events != nil {
		return nil
	}
	if d.Read == nil {
		return errors.New("neither events nor read")
	}
	request := map[string]any{}
	if err := json.Unmarshal(d.Read.Request, &request); err != nil {
		return err
	}
	for {
		var page struct {
			Events []json.RawMessage
			Next   *string
		}
		if err := n.call(d.Read.Subject, encode(request), &page); err != nil {
			return err
		}
		d.Events = append(d.Events, page.Events...)
		if page.Next == nil {
			return nil
		}
		request["cursor"] = *page.Next
	}
}

// moody answers mostly +ACK, now and then -NAK, later, or not at all.
func moody(dice *rand.Rand) func() string {
	return func() string {
		switch chance := dice.IntN(100); {
		case chance < 3:
			return ""
		case chance < 6:
			return "-NAK"
		case chance < 8:
			return ` -NAK {"delay": "150ms"}`
		case chance < 10:
			return "no answer that is known"
		case chance < 13:
			return "+WPI"
		default:
			return "+ACK"
		}
	}
}

// steady always answers +ACK.
func steady() string { return "+ACK" }

// answer has an answer confirmed, asking again until there is a reply. After +WPI comes +ACK.
func (n *node) answer(d *delivery, to, answer string) error {
	for deadline := time.Now().Add(4 * patience); ; {
		var reply struct{ Settled string }
		err := n.call(to, answer, &reply)
		switch r := asRefusal(err); {
		case err == nil && answer == "+WPI" && reply.Settled == "extended":
			return n.answer(d, to, "+ACK")
		case err == nil && answer == "+ACK" && reply.Settled == "committed":
			n.seen.commit(d)
			return nil
		case err == nil && answer != "+WPI" && answer != "+ACK" && reply.Settled == "hidden":
			return nil
		case err == nil:
			return fmt.Errorf("confirmed with %q", reply.Settled)
		case r != nil && r.Code == "stale_token":
			return nil // this machine was too slow: the next attempt is on its way
		case r != nil && !passing(r.Code), time.Now().After(deadline), n.IsClosed():
			return err
		}
		<-time.After(50 * time.Millisecond)
	}
}

// passing tells whether a refusal passes by itself, so that the same is sent again.
func passing(code string) bool {
	return code == "unavailable" || code == "busy" || code == "outcome_unknown"
}
