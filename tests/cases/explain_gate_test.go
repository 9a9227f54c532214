package cases

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"kapivara/tests/kit"
)

// gates stand in the store: each keeps the services from one kind of change while it is closed, so that what lasts
// moments can be looked at.
type gates struct {
	t    *testing.T
	conn *pgx.Conn
}

// The gates.
const (
	leases  = iota + 1 // nothing is leased, for the first time or again
	silence            // nothing is hidden
	owners             // no bucket goes to another node
	places             // nothing is put or moved into the outbox
)

func newGates(t *testing.T, pg string) *gates {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), pg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	g := &gates{t, conn}
	g.exec(`create function kapivara.gate() returns trigger language plpgsql as $$
		begin perform pg_advisory_xact_lock_shared(tg_argv[0]::bigint); return new; end $$`)
	for name, at := range map[string]string{
		"first":   "before insert on kapivara.deliveries for each row execute function kapivara.gate(1)",
		"again":   "before update on kapivara.retries for each row when (new.state = 2) execute function kapivara.gate(1)",
		"silence": "before insert or update on kapivara.retries for each row when (new.state = 3) execute function kapivara.gate(2)",
		"owners":  "before update on kapivara.buckets for each row when (new.epoch > old.epoch) execute function kapivara.gate(3)",
		"places":  "before insert or update on kapivara.outbox for each row execute function kapivara.gate(4)",
	} {
		g.exec("create trigger gate_" + name + " " + at)
	}
	return g
}

func (g *gates) exec(sql string, args ...any) {
	g.t.Helper()
	if _, err := g.conn.Exec(g.t.Context(), sql, args...); err != nil {
		g.t.Fatalf("%s: %v", sql, err)
	}
}

// close waits until nobody is on his way through the gate.
func (g *gates) close(gate int) { g.t.Helper(); g.exec("select pg_advisory_lock($1)", gate) }

func (g *gates) open() { g.t.Helper(); g.exec("select pg_advisory_unlock_all()") }

// gatedReasons last moments while all services are at work.
func gatedReasons(g *gates) map[string]reason {
	return map[string]reason{
		"sending": {func(r *run) string {
			r.set(``)
			g.close(leases)
			r.finish(1)
			r.until("a dispatcher works for it", func() bool { return r.explain("1").Reason != "changing_dispatcher" })
			return "1"
		}, "it is the next of bucket 0"},
		"queued": {func(r *run) string {
			r.set(``)
			g.close(leases)
			r.finish(3)
			r.until("a dispatcher works for it", func() bool { return r.explain("3").Reason != "changing_dispatcher" })
			return "3"
		}, "2 deliveries go before it in bucket 0"},
		"replay_queued": {func(r *run) string {
			r.set(``)
			r.finish(1)
			r.node("").takes(1, "+ACK")
			g.close(leases)
			r.must("delivery.replay."+r.id, `{"after": 0}`, nil)
			r.finish(1)
			return "1"
		}, "1 delivery goes before it in bucket 0"},
		"retried_by_operator": {func(r *run) string {
			r.set(``)
			r.finish(1)
			n := r.node("")
			n.answer(n.take(), "+TERM")
			g.close(leases)
			r.must("delivery.retry."+r.id, `{"state": "parked", "reason": "bank is back"}`, nil)
			return "1"
		}, "an operator has it sent again: bank is back"},
		"retry_due": {func(r *run) string {
			r.set(``)
			r.finish(1)
			n := r.node("")
			d := n.take()
			g.close(leases)
			n.answer(d, "-NAK")
			r.until("its time has come", func() bool { return r.explain("1").Reason != "refused" })
			return "1"
		}, "and the time to send it again has come"},
		"bucket_moved": {func(r *run) string {
			r.set(``)
			a, b := r.node("first"), r.node("second")
			a.claims(1, "1m")
			r.finish(1)
			a.take()
			g.close(leases)
			b.claim(1, "1m")
			r.must("release."+r.id, `{"node": "first"}`, nil)
			r.until("it is taken back", func() bool { return r.explain("1").Reason != "awaiting_answer" })
			return "1"
		}, "bucket 0 went to another node, or to none, before attempt 1 was answered"},
		"overdue": {func(r *run) string {
			r.set(`"ack_wait": "500ms"`)
			r.finish(1)
			g.close(silence)
			r.node("").take()
			r.until("its deadline has passed", func() bool { return r.explain("1").Reason != "awaiting_answer" })
			return "1"
		}, "its deadline has passed at"},
		"node_gone": {func(r *run) string {
			r.set(``)
			n := r.node("node-7")
			n.claims(1, "3s")
			g.close(owners)
			r.finish(1)
			n.take()
			r.until("its claim has ended", func() bool { return r.explain("1").Reason != "awaiting_answer" })
			return "1"
		}, "to node node-7, which has claimed bucket 0 and has not renewed that since"},
		"moving": {func(r *run) string {
			r.set(``)
			r.finish(20)
			r.until("the sending meets nobody", func() bool { return r.explain("20").Reason == "nobody_listens" })
			g.close(places)
			r.set(`"buckets": 16`)
			return "20"
		}, "changed to 16 and 0 for canary streams"},
		"being_gathered": {func(r *run) string {
			r.finish(2)
			g.close(places)
			r.set(`"start": "beginning"`)
			r.until("a dispatcher works for it", func() bool { return r.explain("2").Reason != "changing_dispatcher" })
			return "2"
		}, "are being gathered, those after log position"},
	}
}

// What lasts moments has its reason too. One after another: a closed gate stops more than the case's own subscriber.
func TestReasonsThatPassAreReached(t *testing.T) {
	t.Parallel()
	pg := kit.Postgres(t)
	url := startBusOn(t, pg)
	g := newGates(t, pg)
	for name, c := range gatedReasons(g) {
		t.Run(name, func(t *testing.T) {
			defer g.open()
			c.holds(newRun(t, url, c.id(name)), name)
		})
	}
}
