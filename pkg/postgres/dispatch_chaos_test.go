package postgres_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"kapivara/pkg/dispatcher"
	"kapivara/pkg/kapivara"
	"kapivara/pkg/postgres"
	"kapivara/tests/kit"
)

// crowd are nodes that answer in every way, and remember what was confirmed.
type crowd struct {
	mu        sync.Mutex
	rand      *rand.Rand
	at        map[string]*dispatcher.Dispatcher // by the name of the dispatcher that listens to answers
	committed map[string]bool
	faults    []string
}

// member is how one dispatcher reaches the crowd.
type member struct {
	*crowd
	name string
}

func (m member) Send(d *kapivara.Delivery) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := fmt.Sprintf("%s/%d", d.Bucket, d.Number)
	if m.committed[key] {
		m.faults = append(m.faults, key+" was sent after its confirmed commit")
	}
	if len(d.Events) != d.To || d.To != d.Finish {
		m.faults = append(m.faults, fmt.Sprintf("%s came with %d of %d events", key, len(d.Events), d.To))
	}
	a := kapivara.Answer{Verdict: kapivara.Ack, Delay: -1}
	switch n := m.rand.IntN(20); {
	case n == 0:
		return nil // silent
	case n < 3:
		a = kapivara.Answer{Verdict: kapivara.Nak, Delay: 10 * time.Millisecond, Reason: "not now"}
	case n == 3:
		go m.at[m.name].NoResponders(d.Token)
		return nil
	}
	subscriber, token, to := d.Subscriber, d.Token, m.at[m.name]
	go to.Settle(subscriber, token, a, func(s kapivara.Settled, err error) {
		m.mu.Lock()
		defer m.mu.Unlock()
		if err == nil && s.State == kapivara.Committed {
			m.committed[key] = true
		}
	})
	return nil
}

func (m member) Line() int64 { return 0 }

func (m member) Echo(_ int64, heard func(bool)) { heard(true) }

func (m member) Notify(string, *kapivara.DeliveryRow) {}

// join starts a dispatcher with connections of its own.
func (c *crowd) join(t *testing.T, url, name string) *dispatcher.Dispatcher {
	t.Helper()
	pool, err := postgres.Open(t.Context(), url, postgres.RoleDispatcher, 5)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	d := dispatcher.New(postgres.NewDispatch(pool), member{c, name}, dispatcher.Config{Holder: name}, kit.Logger(t))
	c.mu.Lock()
	c.at[name] = d
	c.mu.Unlock()
	if err := d.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Stop)
	return d
}

func TestDispatchOutlivesWhatIsKilled(t *testing.T) {
	t.Parallel()
	f := newDispatchFixture(t)
	s := kapivara.NewSubscriber("billing")
	s.Buckets, s.MaxInFlight, s.AckWait, s.MaxAttempts = 4, 3, 500*time.Millisecond, 0
	s.Backoff = []time.Duration{50 * time.Millisecond}
	s.No = f.Subscribe(s)
	const streams = 600
	f.fillDue(streams, 3, s)
	c := &crowd{rand: rand.New(rand.NewPCG(1, 2)), at: map[string]*dispatcher.Dispatcher{}, committed: map[string]bool{}}
	first := c.join(t, f.url, "first")
	c.join(t, f.url, "second")
	kills := make(chan struct{})
	go func() {
		defer close(kills)
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for i := range 12 { // connections die, and in the middle one dispatcher stops
			<-tick.C
			if _, err := f.owner.Exec(t.Context(), `select pg_terminate_backend(pid) from pg_stat_activity
				where datname = current_database() and application_name = 'kapivara_dispatcher' and random() < 0.5`); err != nil {
				t.Error(err)
			}
			if i == 6 {
				first.Stop()
			}
		}
	}()
	<-kills
	kit.Eventually(t, 120*time.Second, func() error {
		if n := dispatchCount(t, f, "select count(*) from kapivara.commits"); n != streams {
			return fmt.Errorf("%d of %d deliveries are committed", n, streams)
		}
		return nil
	})
	for sql, want := range map[string]int{
		"select count(*) from kapivara.outbox":                      0,
		"select count(*) from kapivara.retries":                     0,
		"select count(distinct stream_no) from kapivara.deliveries": streams,
		"select sum(sent) from kapivara.buckets":                    streams,
		"select count(*) from kapivara.buckets where floor > sent":  0,
		"select coalesce(sum(m - n), 0) from (select max(number) m, count(*) n from kapivara.deliveries group by bucket_no) x": 0,
	} {
		if got := dispatchCount(t, f, sql); got != want {
			t.Errorf("%s: got %d, want %d", sql, got, want)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, fault := range c.faults {
		t.Error(fault)
	}
}

func dispatchCount(t *testing.T, f *dispatchFixture, sql string) (n int) {
	t.Helper()
	if err := f.owner.QueryRow(t.Context(), sql).Scan(&n); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return n
}
