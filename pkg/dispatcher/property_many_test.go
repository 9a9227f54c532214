package dispatcher_test

import (
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"kapivara/pkg/kapivara"
)

// TestManyDispatchersKeepThePromises lets dispatchers join, stop, die and stand still in any order while streams are
// finished and answered. No honest answer is stale, two dispatchers never confirm different things, nothing is sent after
// its confirmed commit, and in the end everything is committed and shared fairly (I-11, I-15, I-16).
func TestManyDispatchersKeepThePromises(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		inBubble(t, func() {
			w := &crew{r: r, team: &team{t: r, log: slog.New(slog.DiscardHandler), quiet: true}}
			w.subscribers = rapid.IntRange(1, 5).Draw(r, "subscribers")
			w.team.subscribe(w.subscribers, func(s *kapivara.Subscriber) { s.Buckets, s.MaxInFlight = 2, 2 })
			w.team.join()
			defer w.team.stop()
			r.Repeat(map[string]func(*rapid.T){
				"finish": w.finish, "answer": w.answer, "again": w.answer, "time": w.pass, "join": w.join, "stop": w.stop, "kill": w.kill,
				"freeze": w.freeze, "thaw": w.thaw, "": w.check,
			})
			w.heal()
		})
	})
}

// crew is a team whose fate is drawn.
type crew struct {
	r           *rapid.T
	team        *team
	subscribers int
	finished    int
	open        []kapivara.Delivery // sent and not answered
	gone        map[*teammate]bool
}

// living are the dispatchers that were neither stopped nor killed.
func (w *crew) living() (living []*teammate) {
	for _, a := range w.team.members {
		if !w.gone[a] {
			living = append(living, a)
		}
	}
	return living
}

func (w *crew) one(r *rapid.T) *teammate {
	living := w.living()
	if len(living) == 0 {
		r.Skip("nobody is there")
	}
	return living[rapid.IntRange(0, len(living)-1).Draw(r, "dispatcher")]
}

func (w *crew) finish(r *rapid.T) {
	for range rapid.IntRange(1, 3).Draw(r, "streams") {
		w.finished++
		w.team.finish(fmt.Sprint(w.finished))
	}
}

// answer answers one of what is out, if its attempt is still the one that counts.
func (w *crew) answer(r *rapid.T) {
	w.open = append(w.open, w.team.takeSent()...)
	if len(w.open) == 0 {
		r.Skip("nothing was sent")
	}
	i := rapid.IntRange(0, len(w.open)-1).Draw(r, "delivery")
	d := w.open[i]
	w.open = slices.Delete(w.open, i, i+1)
	current := slices.ContainsFunc(w.team.store.All(), func(n kapivara.Numbered) bool {
		return n.Name == d.Stream && fmt.Sprintf("s%d", n.Due.Subscriber-1) == d.Subscriber && n.Lease.Attempt == d.Attempt &&
			n.Lease.State == kapivara.Leased
	})
	if !current {
		return
	}
	w.open = slices.DeleteFunc(w.open, func(o kapivara.Delivery) bool { return o.Token == d.Token })
	w.team.reply(d, rapid.SampledFrom([]kapivara.Answer{ack, ack, nak}).Draw(r, "answer"))
	if rapid.Bool().Draw(r, "wait") {
		synctest.Wait()
	}
}

func (w *crew) pass(r *rapid.T) {
	w.team.pass(rapid.SampledFrom([]time.Duration{
		time.Millisecond, 100 * time.Millisecond, 400 * time.Millisecond, 1700 * time.Millisecond, 4 * time.Second,
	}).Draw(r, "time"))
}

func (w *crew) join(r *rapid.T) {
	if len(w.living()) >= 4 {
		r.Skip("enough")
	}
	w.team.join()
}

func (w *crew) leave(a *teammate) {
	if w.gone == nil {
		w.gone = map[*teammate]bool{}
	}
	w.gone[a] = true
}

func (w *crew) stop(r *rapid.T) {
	a := w.one(r)
	a.thaw()
	a.d.Stop()
	w.leave(a)
}

func (w *crew) kill(r *rapid.T) {
	a := w.one(r)
	a.kill()
	a.thaw()
	w.leave(a)
}

func (w *crew) freeze(r *rapid.T) {
	a := w.one(r)
	a.thaw()
	a.freeze()
}

func (w *crew) thaw(r *rapid.T) { w.one(r).thaw() }

func (w *crew) check(r *rapid.T) {
	synctest.Wait()
	w.team.mu.Lock()
	defer w.team.mu.Unlock()
	if len(w.team.faults) > 0 {
		r.Fatal(w.team.faults)
	}
}

// heal lets all go on and everybody acknowledge.
func (w *crew) heal() {
	for _, a := range w.living() {
		a.thaw()
	}
	if len(w.living()) == 0 {
		w.team.join()
	}
	w.team.mu.Lock()
	w.team.quiet = false
	w.team.mu.Unlock()
	w.team.pass(2 * time.Minute)
	w.team.end(w.finished * w.subscribers)
	living := len(w.living())
	shares := make([]int, living)
	for i := range w.subscribers {
		shares[living-1-i%living]++
	}
	w.team.shares(shares...)
}
