package cases

import (
	"fmt"
	"strings"
	"time"
)

// retryRuns are "nack, retry, timeout" and "parked and replay".
func retryRuns() map[string]func(*run) string {
	return map[string]func(*run) string{
		"SUB026": func(r *run) string {
			r.set(``)
			r.finish(1)
			n := r.node("")
			n.answer(n.take(), "+TERM no such customer")
			var parked struct{ Deliveries []struct{ Reason string } }
			r.must("read.bucket."+r.id, `{"bucket": "0", "state": "parked"}`, &parked)
			return outcome(parked.Deliveries, "[{no such customer}]", r.counts(), counts{Parked: 1}, n.nothing(), true)
		},
		"SUB028": func(r *run) string {
			r.set(``)
			r.finish(1)
			n := r.node("")
			first := n.answer(n.take(), `-NAK {"delay": "0s"}`)
			return outcome(first, "hidden", n.takes(1, "+ACK"), "[1#2]", r.counts(), counts{Committed: 1})
		},
		"SUB030": func(r *run) string {
			r.set(``)
			r.finish(1)
			n := r.node("")
			first := n.answer(n.take(), "?")
			return outcome(first, "hidden", n.takes(1, "+ACK"), "[1#2]")
		},
		"SUB032": func(r *run) string {
			r.set(`"ack_wait": "500ms", "max_in_flight": 2`)
			r.finish(2)
			n := r.node("")
			n.takes(2, "")
			seen := map[string]bool{}
			for len(seen) < 2 {
				if d := n.take(); d.Attempt > 1 {
					n.answer(d, "+ACK")
					seen[d.name()] = true
				}
			}
			return outcome(r.counts(), counts{Committed: 2})
		},
		// Whoever never answers anything parks nothing: the attempts do not count.
		"SUB034": func(r *run) string {
			r.set(`"ack_wait": "500ms", "max_in_flight": 3, "max_attempts": 1`)
			r.finish(3)
			n := r.node("")
			seen := map[string]bool{}
			for len(seen) < 3 {
				if d := n.take(); d.Attempt > 1 {
					seen[d.name()] = true
				}
			}
			return instead("sent_again", r.counts().Parked, 0)
		},
		"SUB036": func(r *run) string {
			r.set(`"ack_wait": "12h", "max_attempts": 1`)
			r.finish(1)
			n := r.node("")
			d := n.take()
			return instead("half_a_day", time.Until(d.Deadline) > 11*time.Hour, true, r.counts(), counts{Leased: 1}, n.nothing(), true)
		},
		"SUB038": func(r *run) string {
			r.set(`"ack_wait": "10s"`)
			r.finish(1)
			n := r.node("")
			d := n.take()
			var said []string
			for range 3 {
				said = append(said, n.answer(d, "+WPI"))
			}
			said = append(said, n.answer(d, "+ACK"))
			return outcome(said, "[extended extended extended committed]", d.Attempt, 1, r.counts(), counts{Committed: 1}, n.nothing(), true)
		},
		"SUB040": func(r *run) string {
			r.set(`"ack_wait": "1s", "max_attempts": 1000, "backoff": ["1h"]`)
			r.finish(4)
			n := r.node("")
			n.answer(n.take(), "-NAK")
			n.answer(n.take(), "+TERM")
			n.take() // no word
			return outcome(n.takes(1, "+ACK"), "[4]", r.counts(), counts{Hidden: 2, Parked: 1, Committed: 1})
		},
		"SUB042": func(r *run) string {
			r.set(``)
			r.finish(3)
			return outcome(r.node("").takes(3, "+ACK"), "[1 2 3]", r.counts(), counts{Committed: 3})
		},
		"SUB045": func(r *run) string {
			r.parked(19)
			r.must("delivery.retry."+r.id, numbers(1, 7), nil)
			n := r.node("")
			return outcome(strings.Join(n.takes(7, "+ACK"), " "), "1#2 2#2 3#2 4#2 5#2 6#2 7#2", r.counts(), counts{Parked: 12, Committed: 7}, n.nothing(), true)
		},
		"SUB047": func(r *run) string {
			r.parked(5)
			var first, second struct{ Changed int }
			r.must("delivery.retry."+r.id, `{"state": "parked"}`, &first)
			r.must("delivery.retry."+r.id, `{"state": "parked"}`, &second)
			return instead("nothing_more", first.Changed, 5, second.Changed, 0, len(r.node("").takes(5, "+ACK")), 5)
		},
		"SUB049": func(r *run) string {
			r.parked(19)
			r.must("delivery.discard."+r.id, numbers(1, 9), nil)
			return outcome(r.counts(), counts{Parked: 10, Discarded: 9})
		},
		"SUB051": func(r *run) string {
			r.set(``)
			r.finish(2)
			n := r.node("")
			n.answer(n.take(), "+ACK")
			n.answer(n.take(), "+TERM")
			r.must("registry.subscriber.remove."+r.id, `{}`, nil)
			r.set(`"start": "beginning"`)
			a, b := n.takeAnd("+ACK"), n.takeAnd("+ACK")
			return instead("numbers_go_on", a.name(), 1, a.Number, 3, b.name(), 2, b.Number, 4, r.counts().Parked, 0)
		},
		"SUB094": notDeleted, "SUB096": notDeleted,
		// The same id again is the same event, or a mistake; and a delivery is each subscriber's own.
		"SUB098": func(r *run) string {
			r.set(``)
			other := &run{t: r.t, id: r.id + "-other", url: r.url, nc: r.nc}
			other.must("registry.subscriber.set."+other.id, `{"streams": ["cases/`+r.id+`/*"]}`, nil)
			r.finish(1)
			code := r.ask("append.cases-"+r.id, fmt.Sprintf(
				`{"stream": "cases/%s/order/2", "events": [{"id": "%[1]s-1-1", "type": "%[1]s.done", "final": true}]}`, r.id), nil)
			return instead("refused", r.node("").takes(1, "+ACK"), "[1]", other.node("").takes(1, "+ACK"), "[1]", code, "event_id_reused")
		},
	}
}

// parked has so many deliveries parked, and no node left.
func (r *run) parked(n int) {
	r.t.Helper()
	r.set(``)
	r.finish(n)
	first := r.node("")
	first.takes(n, "+TERM")
	first.leave()
	r.stands(counts{Parked: n})
}

// numbers name deliveries of bucket 0.
func numbers(from, to int) string {
	var list []string
	for i := from; i <= to; i++ {
		list = append(list, fmt.Sprintf(`{"bucket": "0", "number": %d}`, i))
	}
	return `{"numbers": [` + strings.Join(list, ", ") + `]}`
}

// takeAnd takes the next delivery and answers it.
func (n *node) takeAnd(answer string) *delivery {
	n.t.Helper()
	d := n.take()
	n.answer(d, answer)
	return d
}

func notDeleted(r *run) string {
	for i := 1; i <= 3; i++ {
		r.append("1", i, i == 3)
	}
	r.set(`"start": "beginning"`)
	return instead("delivered", r.node("").takes(1, "+ACK"), "[1]")
}
