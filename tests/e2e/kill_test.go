package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"kapivara/pkg/embedded"
	"kapivara/tests/kit"
)

// kills is KAPIVARA_E2E_KILLS, else 3.
func kills(t *testing.T) int {
	t.Helper()
	text := os.Getenv("KAPIVARA_E2E_KILLS")
	if text == "" {
		return 3
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		t.Fatalf("KAPIVARA_E2E_KILLS: %q", text)
	}
	return n
}

// The whole process is killed again and again while a log is imported, by the command and by the test itself, and
// delivered. Nothing that was acknowledged is missing, nothing that was confirmed is sent again, no process is left.
func TestKillAtAnyMomentLosesNothing(t *testing.T) {
	t.Parallel()
	log := theLog(t)
	dice := rand.New(rand.NewPCG(seed(t), 9))
	dir, port := t.TempDir(), freePort(t)
	bus, url := up(t, dir, port)
	command(t, time.Minute, "subscriber", "set", "survivor", "-s", url,
		"--buckets", "7", "--max-in-flight", "8", "--ack-wait", "2s", "--max-attempts", "0", "--backoff", "100ms")
	got := newSeen()
	for range 3 {
		join(t, url, "survivor", got, steady)
	}
	c := dial(t, url)
	c.within = 3 * time.Second
	im := startImporter(t, c, log, func(stream string) bool { return xxh64([]byte(stream))%2 == 0 })
	other := spawn(t, nil, program(t, "kapivara"), log.importArgs(url)...)

	progress := func() int { return im.acknowledged() + got.confirmed()*log.events/log.streams/2 }
	moments := make([]int, kills(t))
	for i := range moments {
		moments[i] = log.events * (2 + dice.IntN(90)) / 100
	}
	slices.Sort(moments)
	for i, moment := range moments {
		kit.Eventually(t, drainWithin, func() error {
			if n := progress(); n < moment {
				return fmt.Errorf("progress %d, the next kill is at %d", n, moment)
			}
			return nil
		})
		bus.kill()
		t.Logf("killed with %d events acknowledged and %d deliveries confirmed", im.acknowledged(), got.confirmed())
		if i%2 == 0 {
			awaitNothingLeft(t, dir)
		}
		if i == 1 { // and at its start
			bus = startUp(t, dir, port)
			<-time.After(time.Duration(dice.IntN(800)) * time.Millisecond)
			bus.kill()
		}
		started := time.Now()
		bus, _ = up(t, dir, port)
		t.Logf("serves again after %v", time.Since(started))
		im.askAgain(t, 50)
	}
	finish(t, log, url, other, im, got)
	bus.down(t)
	awaitNothingLeft(t, dir)
	checkBySQL(t, dir, im, got)
}

// finish waits for the imports, drains, and compares through the services.
func finish(t *testing.T, log realLog, url string, other *process, im *importer, got *seen) {
	t.Helper()
	im.workers.Wait()
	for _, err := range im.faults {
		t.Error(err)
	}
	for range 3 {
		out, err := other.ended(t, drainWithin)
		if err == nil {
			break
		}
		t.Logf("the import ended: %v, %q", err, out) // it may be started again
		other = spawn(t, nil, program(t, "kapivara"), log.importArgs(url)...)
	}
	report := log.importAll(t, url)
	if report.Stored+report.Refused+report.Unreadable != 0 || report.Repeats != log.events {
		t.Errorf("the import again: got %+v, want %d repeats", report, log.events)
	}
	awaitDrained(t, im.caller, "survivor", log.streams)
	im.checkPromises(t, im.caller, log.events)
	got.checkWhole(t, log)
}

// checkWhole counts: each stream came once, whole and in order, and nothing was wrong on the way.
func (s *seen) checkWhole(t *testing.T, log realLog) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	t.Logf("%d attempts for %d deliveries", s.attempts, len(s.firsts))
	for _, err := range s.faults {
		t.Error(err)
	}
	events, streams := 0, map[string]bool{}
	for _, d := range s.firsts {
		streams[d.Stream] = true
		events += len(d.Events)
		for i, raw := range d.Events {
			var e cloudEvent
			if err := json.Unmarshal(raw, &e); err != nil || e.Position != i+1 || e.Stream != d.Stream || e.Final != (i+1 == d.To) {
				t.Errorf("%s/%d: event %d is %.200s, %v", d.Bucket, d.Number, i+1, raw, err)
			}
		}
	}
	if events != log.events || len(streams) != log.streams || len(s.firsts) != log.streams {
		t.Errorf("got %d events of %d streams in %d deliveries, want %d, %d", events, len(streams), len(s.firsts), log.events, log.streams)
	}
}

func (s *seen) confirmed() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.committed)
}

// checkBySQL opens the folder with PostgreSQL alone and looks for every promise in the tables.
func checkBySQL(t *testing.T, dir string, im *importer, got *seen) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), drainWithin)
	defer cancel()
	conn, err := pgx.Connect(ctx, kit.ClusterIn(t, dir).URL(embedded.Owner, embedded.Database))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	rows, err := conn.Query(ctx, "select log_position, position, stream, id, data from kapivara.log_readable order by log_position")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	found := 0
	for rows.Next() {
		var e cloudEvent
		var at int64
		var data string
		if err := rows.Scan(&at, &e.Position, &e.Stream, &e.ID, &data); err != nil {
			t.Fatal(err)
		}
		if e.Data = json.RawMessage(data); im.kept(&e, at) {
			found++
		}
	}
	if rows.Err() != nil || found != len(im.ledger) {
		t.Errorf("by SQL %d events stand as they were acknowledged, want %d; %v", found, len(im.ledger), rows.Err())
	}
	checkCommitsBySQL(ctx, t, conn, got)
}

func checkCommitsBySQL(ctx context.Context, t *testing.T, conn *pgx.Conn, got *seen) {
	t.Helper()
	rows, err := conn.Query(ctx, "select b.bucket::text, c.number, c.attempt from kapivara.commits c join kapivara.buckets b using (bucket_no)")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	got.mu.Lock()
	defer got.mu.Unlock()
	n := 0
	for rows.Next() {
		var k key
		var attempt int
		if err := rows.Scan(&k.bucket, &k.number, &attempt); err != nil {
			t.Fatal(err)
		}
		if n++; got.committed[k] != attempt {
			t.Errorf("%s/%d: committed as attempt %d, confirmed was %d", k.bucket, k.number, attempt, got.committed[k])
		}
	}
	if rows.Err() != nil || n != len(got.committed) {
		t.Errorf("got %d commits, want the %d that were confirmed; %v", n, len(got.committed), rows.Err())
	}
}
