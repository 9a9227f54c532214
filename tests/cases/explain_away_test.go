package cases

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"kapivara/pkg/app"
	"kapivara/pkg/lifecycle"
	"kapivara/pkg/wire"
	"kapivara/tests/kit"
)

// apart are services that are started and stopped one by one.
type apart struct {
	t      *testing.T
	config app.Config
}

func (a *apart) start(name string) *lifecycle.Group {
	a.t.Helper()
	service := app.Writer
	switch name {
	case "reader":
		service = app.Reader
	case "dispatcher":
		service = app.Dispatcher
	}
	group, err := app.Apart(a.config, service, kit.Logger(a.t))
	if err == nil {
		err = group.Start(a.t.Context())
	}
	if err != nil {
		a.t.Fatalf("start the %s: %v", name, err)
	}
	a.t.Cleanup(func() { a.stop(group) })
	return group
}

func (a *apart) stop(group *lifecycle.Group) {
	a.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := group.Stop(ctx); err != nil {
		a.t.Errorf("stop: %v", err)
	}
}

// exec runs a statement in the store, as its owner.
func (a *apart) exec(sql string) {
	a.t.Helper()
	conn, err := pgx.Connect(a.t.Context(), a.config.PGURL)
	if err == nil {
		_, err = conn.Exec(a.t.Context(), sql)
	}
	if err != nil {
		a.t.Fatalf("%s: %v", sql, err)
	}
	_ = conn.Close(a.t.Context())
}

// dispatched has the dispatcher work until the case stands, and then be gone.
func (a *apart) dispatched(stands func()) {
	a.t.Helper()
	d := a.start("dispatcher")
	stands()
	a.stop(d)
}

// another dispatcher lives, and has not taken over yet.
func (a *apart) another() {
	a.t.Helper()
	a.exec(`insert into kapivara.dispatchers (name, until) values ('another', now() + interval '1 hour')`)
}

// awayReasons are come to where a dispatcher is not at work.
func awayReasons(a *apart) map[string]reason {
	hides := func(r *run, backoff string) {
		r.set(`"backoff": ["` + backoff + `"]`)
		a.dispatched(func() {
			r.finish(1)
			n := r.node("")
			n.answer(n.take(), "-NAK")
		})
	}
	return map[string]reason{
		"no_dispatcher: pending": {func(r *run) string {
			r.set(``)
			r.finish(1)
			return "1"
		}, "no dispatcher is at work"},
		"no_dispatcher: leased": {func(r *run) string {
			r.set(``)
			a.dispatched(func() {
				r.finish(1)
				r.node("").take()
			})
			return "1"
		}, "no dispatcher is at work"},
		"no_dispatcher: hidden": {func(r *run) string {
			hides(r, "1s")
			r.until("its time has come", func() bool { return r.explain("1").Reason != "refused" })
			return "1"
		}, "start one"},
		"refused: without a dispatcher": {func(r *run) string {
			hides(r, "1h")
			return "1"
		}, "-NAK to attempt 1"},
		"changing_dispatcher: pending": {func(r *run) string {
			r.set(``)
			r.finish(1)
			a.another()
			return "1"
		}, "or it was only just set, and one takes its place"},
		"changing_dispatcher: leased": {func(r *run) string {
			r.set(`"ack_wait": "3s"`)
			a.dispatched(func() {
				r.finish(1)
				r.node("").take()
			})
			a.another()
			r.until("its deadline has passed", func() bool { return r.explain("1").Reason != "awaiting_answer" })
			return "1"
		}, "or it was only just set, and one takes its place"},
	}
}

// What is told where no dispatcher is at work. One after another: a dispatcher works for all subscribers.
func TestReasonsWithoutADispatcherAreReached(t *testing.T) {
	t.Parallel()
	a := &apart{t: t, config: app.Config{
		NATS: app.NATSConfig{URL: kit.NATS(t)}, PGURL: kit.Postgres(t), PGConns: 8, OpenRegistry: true, Limits: wire.DefaultLimits(), Version: "0.0.1",
	}}
	a.start("writer")
	a.start("reader")
	for name, c := range awayReasons(a) {
		t.Run(name, func(t *testing.T) {
			defer a.exec(`delete from kapivara.dispatchers where name = 'another'`)
			c.holds(newRun(t, a.config.NATS.URL, c.id(name)), name)
		})
	}
}
