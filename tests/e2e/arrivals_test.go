package e2e_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"kapivara/tests/kit"
)

// seed is KAPIVARA_E2E_SEED, else 1: what the queue members answer, and which repeats are tried at the end.
func seed(t *testing.T) uint64 {
	t.Helper()
	text := os.Getenv("KAPIVARA_E2E_SEED")
	if text == "" {
		return 1
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("KAPIVARA_E2E_SEED: %v", err)
	}
	return n
}

const (
	publisher   = "arrivals"
	subscriber  = "drain"
	buckets     = 7
	members     = 3
	drainWithin = 3 * time.Minute
)

// Real event logs arrive late, repeated, conflicting and with holes. Whatever the order: each stream that becomes whole is
// delivered once, whole and in order, in the bucket of the rule; the others never.
//
// Other logs: KAPIVARA_E2E_ARRIVALS=a.jsonl.gz:b.jsonl.gz, other chances: KAPIVARA_E2E_SEED=2.
func TestArrivals(t *testing.T) {
	t.Parallel()
	for i, file := range arrivalFiles(t) {
		log := loadArrivals(t, file)
		t.Run(log.name, func(t *testing.T) {
			t.Parallel()
			runArrivals(t, log, i+int(seed(t))-1)
		})
	}
}

// runArrivals loads and drains. By turns the nodes wait from the beginning, come when all is loaded, or the subscriber
// itself is set only then.
func runArrivals(t *testing.T, log *arrivalLog, turn int) {
	url, pgURL := startBus(t)
	c := dial(t, url)
	got := newSeen()
	set := func(start string) {
		c.set(subscriber, fmt.Sprintf(`{"buckets": %d, "start": %q, "streams": [%s], "ack_wait": "500ms", "max_attempts": 0,
			"backoff": ["50ms", "100ms"], "max_in_flight": %d}`, buckets, start, encode(log.prefix+"/*"), 1+turn%2*2))
	}
	listen := func() {
		for i := range members {
			join(t, url, subscriber, got, moody(rand.New(rand.NewPCG(seed(t), uint64(i)))))
		}
	}
	l := newLedger(log)
	switch turn % 3 {
	case 0:
		set("new")
		listen()
		l.load(t, c, publisher)
	case 1:
		l.load(t, c, publisher)
		set("beginning")
		listen()
	case 2:
		set("new")
		l.load(t, c, publisher)
		listen()
	}
	if t.Failed() {
		return
	}
	awaitDrained(t, c, subscriber, len(l.completed))
	t.Logf("%d attempts, answered %v", got.attempts, got.answers)

	checkDeliveries(t, l, got)
	checkStore(t, c, pgURL, l)
	again := rand.New(rand.NewPCG(seed(t), 99))
	for range 200 {
		a := log.arrivals[again.IntN(len(log.arrivals))]
		if a.Expect == "new" {
			a.Expect = "duplicate"
		}
		if err := l.send(c, publisher, &a); err != nil {
			t.Errorf("sent again: %s position %d: %v", a.Stream, a.Position, err)
		}
	}
	if got, want := c.head(), l.last; got != want {
		t.Errorf("head after repeats: got %d, want %d", got, want)
	}
}

// bucketState is one bucket as read.subscriber shows it.
type bucketState struct {
	Bucket                                                string
	Pending, Leased, Hidden, Parked, Committed, Discarded int
	Last                                                  int64 `json:"last_number"`
}

func (c caller) bucketStates(subscriber string) (states []bucketState, err error) {
	var page struct{ Buckets []bucketState }
	err = c.call("kapivara.v1.read.subscriber."+subscriber, `{"limit": 1}`, &page)
	return page.Buckets, err
}

// awaitDrained waits until so many deliveries are committed, and nothing else is there.
func awaitDrained(t *testing.T, c caller, subscriber string, want int) {
	t.Helper()
	kit.Eventually(t, drainWithin, func() error {
		states, err := c.bucketStates(subscriber)
		if err != nil {
			return err
		}
		committed, others := 0, 0
		for _, b := range states {
			committed += b.Committed
			others += b.Pending + b.Leased + b.Hidden + b.Parked + b.Discarded
		}
		if committed != want || others != 0 {
			return fmt.Errorf("got %d committed and %d others, want %d and 0", committed, others, want)
		}
		return nil
	})
}

// checkDeliveries compares what the nodes got with what the writer answered.
func checkDeliveries(t *testing.T, l *ledger, got *seen) {
	t.Helper()
	got.mu.Lock()
	defer got.mu.Unlock()
	for _, err := range got.faults {
		t.Error(err)
	}
	byBucket := map[string][]string{} // want: streams in the order of their completion
	for _, stream := range l.completed {
		bucket := strconv.Itoa(jump(xxh64([]byte(stream)), buckets))
		byBucket[bucket] = append(byBucket[bucket], stream)
	}
	if len(got.firsts) != len(l.completed) {
		t.Errorf("got %d deliveries, want %d", len(got.firsts), len(l.completed))
	}
	for bucket, streams := range byBucket {
		for i, stream := range streams {
			d := got.firsts[key{bucket, int64(i + 1)}]
			if d == nil {
				t.Errorf("%s/%d: never came, want %s", bucket, i+1, stream)
				continue
			}
			if d.Stream != stream {
				t.Errorf("%s/%d: got %s, want %s", bucket, i+1, d.Stream, stream)
			}
			if err := l.whole(d); err != nil {
				t.Errorf("%s/%d: %v", bucket, i+1, err)
			}
		}
	}
	for k, d := range got.firsts {
		if int(k.number) > len(byBucket[k.bucket]) {
			t.Errorf("%s/%d: %s is one too many", k.bucket, k.number, d.Stream)
		}
	}
	unconfirmed := slices.DeleteFunc(slices.Collect(maps.Keys(got.firsts)), func(k key) bool { return got.committed[k] > 0 })
	if len(unconfirmed) > 0 {
		t.Errorf("never confirmed as committed: %v", unconfirmed)
	}
}
