package e2e_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"kapivara/tests/kit"
)

// many are services and nodes, several of each, every one a process of its own that is killed and started again.
type many struct {
	t       *testing.T
	natsURL string
	pgURL   string
	store   *pgx.Conn
	places  []*workplace
}

// workplace is where one process after another does the same.
type workplace struct {
	role  string
	start func() *process
	now   *process
	kills int
}

func (m *many) add(role string, env []string, path string) {
	m.t.Helper()
	w := &workplace{role: role, start: func() *process {
		p := spawn(m.t, env, path)
		p.ready(m.t)
		return p
	}}
	w.now = w.start()
	m.places = append(m.places, w)
}

func (m *many) service(role string) {
	m.t.Helper()
	pg, err := url.Parse(m.pgURL)
	if err != nil {
		m.t.Fatal(err)
	}
	pg.User = url.User("kapivara_" + role)
	m.add(role, []string{
		"KAPIVARA_NATS_URL=" + m.natsURL, "KAPIVARA_PG_URL=" + pg.String(), "KAPIVARA_PG_CONNS=4", "KAPIVARA_REGISTRY=open",
	}, program(m.t, role))
}

// node adds a node and gives the file of what it sees.
func (m *many) node(subscriber string) (file string) {
	m.t.Helper()
	self, err := os.Executable()
	if err != nil {
		m.t.Fatal(err)
	}
	file = filepath.Join(m.t.TempDir(), "seen.jsonl")
	m.add("node of "+subscriber, []string{nodeURL + "=" + m.natsURL, nodeSubscriber + "=" + subscriber, nodeFile + "=" + file}, self)
	return file
}

// Two writers, two readers, three dispatchers and six nodes of three subscribers, each killed with -9 again and again, and
// dispatchers stopped for longer than they live, while a log goes through. What comes out is the log, and nothing that
// was acknowledged or confirmed is lost or repeated (I-01, I-05, I-11, I-14, I-15, I-16). KAPIVARA_E2E_MANY=5 goes five
// rounds over bpic2012 in place of two over the smaller receipt log; that takes minutes, so give -timeout 20m.
func TestManyOfEachAreKilledAndTheResultIsTheLog(t *testing.T) {
	t.Parallel()
	log, rounds := manyLog(t)
	dice := rand.New(rand.NewPCG(seed(t), 16))
	m := &many{t: t, natsURL: kit.NATS(t), pgURL: kit.Postgres(t)}
	var err error
	if m.store, err = pgx.Connect(t.Context(), m.pgURL); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.store.Close(context.Background()) })
	for _, role := range []string{"writer", "writer", "reader", "reader", "dispatcher", "dispatcher", "dispatcher"} {
		m.service(role)
	}
	c := dial(t, m.natsURL)
	subscribers, files := []string{"one", "two", "three"}, map[string][]string{}
	for _, s := range subscribers {
		c.set(s, `{"buckets": 5, "max_in_flight": 8, "ack_wait": "3s", "max_attempts": 0, "backoff": ["100ms"]}`)
		files[s] = []string{m.node(s), m.node(s)}
	}
	sender := dial(t, m.natsURL)
	sender.within = 3 * time.Second
	im := startImporter(t, sender, log, func(string) bool { return true })
	m.killAll(dice, rounds, func(share float64) {
		kit.Eventually(t, drainWithin, func() error {
			if n := im.acknowledged(); float64(n) < 0.9*share*float64(log.events) {
				return fmt.Errorf("%d of %d events are acknowledged", n, log.events)
			}
			return nil
		})
	})
	im.workers.Wait()
	for _, err := range im.faults {
		t.Error(err)
	}
	for _, s := range subscribers {
		awaitDrained(t, c, s, log.streams)
	}
	im.askAgain(t, 50)
	im.checkPromises(t, c, log.events)
	python, failed := exec.LookPath("python3")
	for _, s := range subscribers {
		got := newSeen()
		for _, file := range files[s] {
			if err := got.recount(file); err != nil {
				t.Error(err)
			}
		}
		got.checkWhole(t, log)
		if failed == nil {
			verify(t, python, log, got)
		}
		m.checkCommits(s, got)
	}
}

func manyLog(t *testing.T) (log realLog, rounds int) {
	t.Helper()
	text := os.Getenv("KAPIVARA_E2E_MANY")
	switch {
	case text != "":
		rounds, err := strconv.Atoi(text)
		if err != nil || rounds < 1 {
			t.Fatalf("KAPIVARA_E2E_MANY: %q", text)
		}
		return openLog(t, "bpic2012"), rounds
	case testing.Short():
		return openLog(t, "receipt"), 1
	}
	return openLog(t, "receipt"), 2
}

// killAll kills each process so many times and starts it again, in any order, spread over the way; now and then a
// dispatcher stands still until others have its subscribers.
func (m *many) killAll(dice *rand.Rand, rounds int, await func(share float64)) {
	m.t.Helper()
	var victims []*workplace
	for range rounds {
		for _, i := range dice.Perm(len(m.places)) {
			victims = append(victims, m.places[i])
		}
	}
	stopped := 0
	for i, w := range victims {
		await(float64(i) / float64(len(victims)))
		if w.role == "dispatcher" && stopped < rounds {
			stopped++
			m.standStill(w)
		}
		w.now.kill()
		w.now = w.start()
		w.kills++
	}
	m.t.Logf("%d kills", len(victims))
}

// standStill stops a dispatcher until nobody's work is its own any more, and lets it go on.
func (m *many) standStill(w *workplace) {
	m.t.Helper()
	w.now.signal(m.t, syscall.SIGSTOP)
	began, pid := time.Now(), strconv.Itoa(w.now.cmd.Process.Pid)
	kit.Eventually(m.t, time.Minute, func() error {
		rows, err := m.store.Query(m.t.Context(), `select coalesce(r.name, '') from kapivara.subscribers s
			left join kapivara.duties d using (subscriber_no) left join kapivara.dispatchers r using (dispatcher_no)`)
		if err != nil {
			return err
		}
		holders, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return err
		}
		for _, holder := range holders {
			if holder == "" || strings.HasSuffix(holder, "/"+pid) {
				return fmt.Errorf("process %d has not been relieved: %v", w.now.cmd.Process.Pid, holders)
			}
		}
		return nil
	})
	m.t.Logf("relieved %v after it was stopped", time.Since(began))
	w.now.signal(m.t, syscall.SIGCONT)
}

// checkCommits holds what was confirmed against the tables. A node that was killed may not know of its last commits.
func (m *many) checkCommits(subscriber string, got *seen) {
	m.t.Helper()
	rows, err := m.store.Query(m.t.Context(), `select b.bucket::text, c.number, c.attempt from kapivara.commits c
		join kapivara.buckets b using (bucket_no) where b.subscriber = $1`, subscriber)
	if err != nil {
		m.t.Fatal(err)
	}
	var k key
	var attempt int
	_, err = pgx.ForEachRow(rows, []any{&k.bucket, &k.number, &attempt}, func() error {
		if confirmed, ok := got.committed[k]; ok && confirmed != attempt {
			m.t.Errorf("%s/%s/%d: committed as attempt %d, confirmed was %d", subscriber, k.bucket, k.number, attempt, confirmed)
		}
		delete(got.committed, k)
		return nil
	})
	if err != nil || len(got.committed) > 0 {
		m.t.Errorf("%s: %d confirmed commits are not in the store; %v", subscriber, len(got.committed), err)
	}
}
