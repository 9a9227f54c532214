package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"kapivara/pkg/embedded"
	"kapivara/pkg/kapivara"
	"kapivara/pkg/postgres"
	"kapivara/tests/kit"
	"kapivara/tests/stores"
)

// answered is twice the protocol's 4 s, since tests share their machine.
const answered = 8 * time.Second

func (w testAppender) within(t *testing.T, c <-chan appendAnswer) appendAnswer {
	t.Helper()
	select {
	case got := <-c:
		return got
	case <-time.After(answered):
		t.Fatalf("no answer within %v", answered)
		panic("unreachable")
	}
}

// untilStored sends an append as a client does, until its outcome is certain.
func (w testAppender) untilStored(t *testing.T, a *kapivara.Append) appendAnswer {
	t.Helper()
	var got appendAnswer
	kit.Eventually(t, 30*time.Second, func() error {
		got = w.within(t, w.begin(a))
		if code := kapivara.CodeOf(got.err); code == kapivara.Unavailable || code == kapivara.OutcomeUnknown {
			return got.err
		}
		return nil
	})
	return got
}

func wantOneOf(t *testing.T, got appendAnswer, codes ...kapivara.Code) {
	t.Helper()
	if got.err == nil || !slices.Contains(codes, kapivara.CodeOf(got.err)) {
		t.Errorf("got %+v %v, want one of %v", got.AppendResult, got.err, codes)
	}
}

// I-03, I-26: the connection is lost while the batch is under way. The answer is outcome_unknown, and the same request
// again tells what became of it.
func TestALostConnectionLeavesTheOutcomeUnknown(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		reply  bool // the reply is lost, not the request
		hang   bool // the connection hangs instead of ending
		stored bool
	}{
		"the request is lost": {false, false, false},
		"the request hangs":   {false, true, false},
		"the reply is lost":   {true, false, true},
		"the reply hangs":     {true, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pgURL := kit.Postgres(t)
			p := newProxy(t, pgURL)
			w := appendWriter(t, stores.PostgresLog(t, p.url, true))
			if got := w.send(appendOf("S", "a")); got.err != nil {
				t.Fatal(got.err)
			}
			gate := &p.requests
			if c.reply {
				gate = &p.replies
			}
			if got := w.send(appendOf("S", "b")); got.err != nil { // the pipeline is open now
				t.Fatal(got.err)
			}
			gate.Lock()
			lost := w.begin(appendOf("S", "c"))
			if c.stored {
				wantEvents(t, pgURL, 3)
			}
			if !c.hang {
				p.cut()
			}
			got := w.within(t, lost)
			gate.Unlock()
			if c.stored {
				wantOneOf(t, got, kapivara.OutcomeUnknown)
			} else { // it may have ended before anything was sent
				wantOneOf(t, got, kapivara.OutcomeUnknown, kapivara.Unavailable)
			}
			p.cut() // what hung in the proxy never arrives
			again := w.untilStored(t, appendOf("S", "c"))
			if again.err != nil || again.Events[0].Position != 3 {
				t.Fatalf("the same again: %+v", again)
			}
			if c.hang && !c.stored {
				return // what hung may have gone through after all, when the gate opened
			}
			if again.Events[0].Stored == c.stored {
				t.Errorf("the same again says stored %v", again.Events[0].Stored)
			}
		})
	}
}

func wantEvents(t *testing.T, pgURL string, n int) {
	t.Helper()
	conn := connectAs(t, pgURL, "owner")
	kit.Eventually(t, 30*time.Second, func() error {
		var got int
		if err := conn.QueryRow(t.Context(), "select count(*) from kapivara.events").Scan(&got); err != nil {
			return err
		}
		if got != n {
			return fmt.Errorf("%d events, want %d", got, n)
		}
		return nil
	})
}

// I-03, I-26 on the road under the log's lock, which every new event type takes: whatever hangs or ends when, the append is
// answered, and the same request again stores it once.
func TestALostConnectionUnderTheLockStoresOnceOrNothing(t *testing.T) {
	t.Parallel()
	pgURL := kit.Postgres(t)
	p := newProxy(t, pgURL)
	w := appendWriter(t, stores.PostgresLog(t, p.url, true))
	if got := w.send(appendOf("S", "first")); got.err != nil {
		t.Fatal(got.err)
	}
	for i, gate := range []*sync.RWMutex{&p.requests, &p.replies, nil, nil, nil} {
		a := appendOf("S", fmt.Sprint(i))
		a.Events[0].Type = fmt.Sprint("new ", i)
		if gate != nil {
			gate.Lock()
		}
		lost := w.begin(a)
		if gate == nil {
			p.cut()
		}
		got := w.within(t, lost)
		if gate != nil {
			gate.Unlock()
			p.cut()
			wantOneOf(t, got, kapivara.Unavailable, kapivara.OutcomeUnknown)
		}
		again := w.untilStored(t, a)
		if again.err != nil || again.Events[0].Position != i+2 {
			t.Fatalf("append %d: first %+v, then %+v", i, got, again)
		}
		if got.err == nil && again.Events[0].Stored {
			t.Errorf("append %d was confirmed, and is stored only by the second sending", i)
		}
	}
	wantEvents(t, pgURL, 6)
}

// The backend that has a batch under way is ended: outcome_unknown, and the writer goes on.
func TestTheWriterGoesOnAfterItsBackendIsEnded(t *testing.T) {
	t.Parallel()
	pgURL := kit.Postgres(t)
	w := appendWriter(t, stores.PostgresLog(t, pgURL, true))
	for _, id := range []string{"a", "b"} {
		if got := w.send(appendOf("S", id)); got.err != nil {
			t.Fatal(got.err)
		}
	}
	owner := connectAs(t, pgURL, "owner")
	tx, err := owner.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "select from kapivara.log for update"); err != nil {
		t.Fatal(err)
	}
	lost := w.begin(appendOf("S", "c"))
	other := connectAs(t, pgURL, "owner")
	kit.Eventually(t, 3*time.Second, func() error {
		tag, err := other.Exec(t.Context(), `select pg_terminate_backend(pid) from pg_stat_activity
			where datname = current_database() and application_name = 'kapivara_writer' and wait_event_type = 'Lock'`)
		if err == nil && tag.RowsAffected() == 0 {
			err = errors.New("nobody waits for the lock")
		}
		return err
	})
	wantOneOf(t, w.within(t, lost), kapivara.OutcomeUnknown, kapivara.Unavailable)
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := w.untilStored(t, appendOf("S", "c")); got.err != nil || !got.Events[0].Stored || got.Version != 3 {
		t.Errorf("the same again: %+v", got)
	}
	// Ended while nothing is under way: the next append does not notice.
	if _, err := other.Exec(t.Context(), `select pg_terminate_backend(pid, 10000) from pg_stat_activity
		where datname = current_database() and application_name = 'kapivara_writer'`); err != nil {
		t.Fatal(err)
	}
	if got := w.untilStored(t, appendOf("S", "d")); got.err != nil || got.Version != 4 {
		t.Errorf("after idle connections were ended: %+v", got)
	}
}

// I-26: somebody holds the log's lock. It is certain that nothing was stored, and no session waits on behind the answer.
func TestALockThatIsHeldIsUnavailable(t *testing.T) {
	t.Parallel()
	pgURL := kit.Postgres(t)
	w := appendWriter(t, stores.PostgresLog(t, pgURL, true))
	for _, id := range []string{"a", "b"} {
		if got := w.send(appendOf("S", id)); got.err != nil {
			t.Fatal(got.err)
		}
	}
	tx, err := connectAs(t, pgURL, "owner").Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "select from kapivara.log for update"); err != nil {
		t.Fatal(err)
	}
	exclusive := appendOf("S", "d")
	exclusive.Events[0].Type = "new"
	for _, a := range []*kapivara.Append{appendOf("S", "c"), exclusive} {
		wantOneOf(t, w.within(t, w.begin(a)), kapivara.Unavailable)
	}
	other := connectAs(t, pgURL, "owner")
	kit.Eventually(t, answered, func() error {
		var waiting int
		err := other.QueryRow(t.Context(), `select count(*) from pg_stat_activity where datname = current_database()
			and application_name = 'kapivara_writer' and wait_event_type = 'Lock'`).Scan(&waiting)
		if err == nil && waiting > 0 {
			err = fmt.Errorf("%d sessions wait on", waiting)
		}
		return err
	})
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i, a := range []*kapivara.Append{appendOf("S", "c"), exclusive} {
		if got := w.send(a); got.err != nil || !got.Events[0].Stored || got.Version != 3+i {
			t.Errorf("after the lock was given back: %+v", got)
		}
	}
}

// I-01, I-03, I-05, I-08: connections are ended again and again under load. What was confirmed is there, whole, once;
// a client that sends the same request until its outcome is certain has stored everything once.
func TestNothingIsLostOrDoubledWhileBackendsAreEnded(t *testing.T) {
	t.Parallel()
	pgURL := kit.Postgres(t)
	writers := []testAppender{
		appendWriter(t, stores.PostgresLog(t, pgURL, true)), appendWriter(t, stores.PostgresLog(t, pgURL, true)),
	}
	const clients, appends, pause = 8, 12, 4
	answers := make([][]appendAnswer, clients)
	stored := make(chan struct{}, clients*appends)
	var wg sync.WaitGroup
	for c := range clients {
		wg.Go(func() {
			for i := range appends {
				id := fmt.Sprintf("%d-%d", c, i)
				answers[c] = append(answers[c], writers[c%2].untilStored(t, appendOf(fmt.Sprint("S", c%3), id+"-a", id+"-b")))
				stored <- struct{}{}
			}
		})
	}
	go func() { wg.Wait(); close(stored) }()
	killer, n := connectAs(t, pgURL, "owner"), 0
	for range stored {
		if n++; n%pause > 0 {
			continue
		}
		if _, err := killer.Exec(t.Context(), `select pg_terminate_backend(pid) from pg_stat_activity
			where datname = current_database() and application_name = 'kapivara_writer' and random() < 0.7`); err != nil {
			t.Error(err)
		}
	}
	log := stores.PostgresAt(t, pgURL, true).Events(t)
	if len(log) != 2*clients*appends {
		t.Errorf("the log has %d events, want %d", len(log), 2*clients*appends)
	}
	for _, all := range answers {
		for _, got := range all {
			if got.err != nil {
				t.Fatal(got.err)
			}
			for _, placed := range got.Events {
				if e := log[placed.LogPosition-1]; e.ID != placed.ID || e.Position != placed.Position || e.LogPosition != placed.LogPosition {
					t.Errorf("answered %+v, the log has %+v", placed, e)
				}
			}
		}
	}
}

// I-08: transactions left open, in this database and in another, delay nobody.
func TestOpenTransactionsElsewhereDelayNobody(t *testing.T) {
	t.Parallel()
	pgURL, otherURL := kit.Postgres(t), kit.EmptyPostgres(t)
	for _, u := range []string{pgURL, otherURL} {
		tx, err := connectAs(t, u, "owner").BeginTx(t.Context(), pgx.TxOptions{IsoLevel: pgx.Serializable})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
		if _, err := tx.Exec(t.Context(), "create table public.mine as select pg_current_xact_id()"); err != nil {
			t.Fatal(err)
		}
	}
	reading, err := connectAs(t, pgURL, "kapivara_reader").BeginTx(t.Context(), pgx.TxOptions{IsoLevel: pgx.RepeatableRead})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = reading.Rollback(context.WithoutCancel(t.Context())) }()
	if _, err := reading.Exec(t.Context(), "select from kapivara.log, kapivara.events, kapivara.streams"); err != nil {
		t.Fatal(err)
	}
	w := appendWriter(t, stores.PostgresLog(t, pgURL, true))
	for i := range 5 {
		if got := w.within(t, w.begin(appendOf("S", fmt.Sprint(i)))); got.err != nil {
			t.Fatal(got.err)
		}
		if log := stores.PostgresAt(t, pgURL, true).Events(t); len(log) != i+1 {
			t.Errorf("%d events can be read, want %d", len(log), i+1)
		}
	}
}

// I-26: the server is away, and comes back.
func TestAppendsGoOnAfterTheServerWasAway(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(openDir(t), "own")
	pg := kit.ClusterIn(t, dir)
	pgURL := pg.URL(embedded.Owner, embedded.Database)
	if err := postgres.Migrate(t.Context(), pgURL); err != nil {
		t.Fatal(err)
	}
	w := appendWriter(t, stores.PostgresLog(t, pgURL, true))
	if got := w.send(appendOf("S", "a")); got.err != nil {
		t.Fatal(got.err)
	}
	if err := pg.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, stream := range []string{"S", "T", "S"} {
		wantOneOf(t, w.within(t, w.begin(appendOf(stream, "b"))), kapivara.Unavailable)
	}
	again := kit.ClusterIn(t, dir)
	if got := again.URL(embedded.Owner, embedded.Database); got != pgURL {
		t.Fatalf("it came back as %s, was %s", got, pgURL)
	}
	if got := w.untilStored(t, appendOf("S", "b")); got.err != nil || !got.Events[0].Stored || got.Version != 2 {
		t.Errorf("back again: %+v", got)
	}
	if got := w.send(appendOf("S", "a")); got.err != nil || got.Events[0].Stored {
		t.Errorf("what was stored before: %+v", got)
	}
}

// The writer does not start on a server that could lose what it confirms.
func TestAServerThatCouldLoseEventsIsRefused(t *testing.T) {
	t.Parallel()
	pg := kit.Cluster(t)
	pgURL := pg.URL(embedded.Owner, embedded.Database)
	if err := postgres.Migrate(t.Context(), pgURL); err != nil {
		t.Fatal(err)
	}
	for _, setting := range []string{"fsync", "full_page_writes", "synchronous_commit"} {
		alter(t, pgURL, setting, "off")
		err := waitReady(t, pgURL)
		if err == nil || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s = off: got %v, want a refusal at once", setting, err)
		}
		alter(t, pgURL, setting, "on")
		if err := waitReady(t, pgURL); err != nil {
			t.Errorf("%s = on: %v", setting, err)
		}
	}
}

func alter(t *testing.T, pgURL, setting, value string) {
	t.Helper()
	conn := connectAs(t, pgURL, "owner")
	for _, sql := range []string{"alter system set " + setting + " = " + value, "select pg_reload_conf()"} {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	kit.Eventually(t, 30*time.Second, func() error {
		var got string
		if err := connectAs(t, pgURL, "owner").QueryRow(t.Context(), "select current_setting($1)", setting).Scan(&got); err != nil {
			return err
		}
		if got != value {
			return fmt.Errorf("%s is %q, want %q", setting, got, value)
		}
		return nil
	})
}

func waitReady(t *testing.T, pgURL string) error {
	t.Helper()
	pool, err := postgres.Open(t.Context(), pgURL, postgres.RoleWriter, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	return pool.WaitReady(ctx, kit.Logger(t))
}
