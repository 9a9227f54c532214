package cases

import (
	"fmt"
	"strings"
)

// outcome is same where all holds, else what has not.
func outcome(facts ...any) string {
	for i := 0; i < len(facts); i += 2 {
		if got, want := fmt.Sprint(facts[i]), fmt.Sprint(facts[i+1]); got != want {
			return fmt.Sprintf("got %s, want %s", got, want)
		}
	}
	return same
}

// instead is the outcome where all holds.
func instead(word string, facts ...any) string {
	if got := outcome(facts...); got != same {
		return got
	}
	return word
}

// commitRuns are "commit and checkpoint", "flow" and "checkpoint store". A checkpoint is what is committed.
func commitRuns() map[string]func(*run) string {
	return map[string]func(*run) string{
		"SUB001": func(r *run) string {
			r.set(``)
			r.finish(3)
			n := r.node("")
			var seen []int64
			for range 3 {
				n.answer(n.take(), "+ACK")
				seen = append(seen, r.last())
			}
			return outcome(seen, []int{1, 2, 3}, r.counts(), counts{Committed: 3}, n.nothing(), true)
		},
		"SUB003": storedAtOnce, "SUB013": storedAtOnce,
		"SUB005": func(r *run) string {
			r.set(``)
			r.finish(3)
			n := r.node("")
			n.takes(3, "+ACK")
			n.leave()
			return outcome(r.last(), 3)
		},
		"SUB007": func(r *run) string {
			r.set(`"max_in_flight": 4`)
			r.finish(4)
			n := r.node("")
			for range 4 {
				if d := n.take(); d.Number <= 2 {
					n.answer(d, "+ACK")
				}
			}
			return outcome(r.last(), 2, r.counts(), counts{Leased: 2, Committed: 2})
		},
		"SUB009": func(r *run) string {
			r.set(`"max_in_flight": 4`)
			r.finish(4)
			r.node("").takes(4, "+ACK")
			return outcome(r.counts(), counts{Committed: 4})
		},
		"SUB011": func(r *run) string {
			r.set(``)
			before := r.last()
			r.finish(1)
			r.node("").takes(1, "+ACK")
			return outcome(before, 0, r.last(), 1)
		},
		"SUB015": func(r *run) string {
			r.set(``)
			r.finish(1)
			n := r.node("")
			d := n.take()
			first, second := n.answer(d, "+ACK"), n.answer(d, "+ACK")
			return outcome(first, "committed", second, "committed", r.counts(), counts{Committed: 1})
		},
		"SUB017": func(r *run) string {
			r.set(``)
			r.finish(3)
			first := r.node("")
			first.takes(3, "+ACK")
			first.leave()
			r.finish(2)
			second := r.node("")
			return outcome(second.takes(2, "+ACK"), "[4 5]", r.counts(), counts{Committed: 5}, second.nothing(), true)
		},
		"SUB019": func(r *run) string {
			r.done = 1
			at := r.append("1", 1, true)
			r.set(fmt.Sprintf(`"start": %d`, at))
			r.finish(1)
			n := r.node("")
			return outcome(n.takes(1, "+ACK"), "[2]", r.counts(), counts{Committed: 1})
		},
		"SUB021": func(r *run) string {
			r.set(`"max_in_flight": 3`)
			r.finish(10)
			n := r.node("")
			got := n.takes(10, "+ACK")
			r.finish(5)
			got = append(got, n.takes(5, "+ACK")...)
			return outcome(strings.Join(got, " "), "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15", r.counts(), counts{Committed: 15})
		},
		"SUB023": func(r *run) string {
			r.set(`"max_in_flight": 1`)
			r.finish(4)
			n := r.node("")
			n.take()
			return outcome(r.counts(), counts{Pending: 3, Leased: 1}, n.nothing(), true)
		},
		"SUB025": func(r *run) string {
			r.set(`"max_in_flight": 10`)
			most, taken := 0, 0
			for _, have := range []int{1, 2, 3} {
				r.finish(have)
				r.until("all of them are taken", func() bool { // what was just stored may not be there at once
					n := len(r.pull(2))
					most, taken = max(most, n), taken+n
					return taken >= r.done
				})
			}
			return outcome(most <= 2, true, taken, 6, len(r.pull(2)), 0)
		},
		"SUB101": func(r *run) string {
			r.set(``)
			r.finish(3)
			n := r.node("")
			n.takes(2, "+ACK")
			return outcome(n.answer(n.take(), "+ACK"), "committed", r.last(), 3)
		},
		"SUB103": func(r *run) string {
			r.set(``)
			r.finish(1)
			n := r.node("")
			first := n.take()
			n.answer(first, `-NAK {"delay": "0s"}`)
			second := n.take()
			return outcome(second.Attempt, 2, n.answer(first, "+ACK"), "stale_token", r.last(), 0, n.answer(second, "+ACK"), "committed")
		},
		"SUB105": func(r *run) string {
			r.set(`"buckets": 2`)
			r.finish(8)
			n := r.node("")
			a, b := n.take(), n.take()
			n.answer(a, "+ACK")
			var other struct{ Deliveries []struct{ State string } }
			r.must("read.bucket."+r.id, fmt.Sprintf(`{"bucket": "%s", "state": "leased"}`, b.Bucket), &other)
			return outcome(a.Bucket != b.Bucket, true, len(other.Deliveries), 1)
		},
	}
}

func storedAtOnce(r *run) string {
	r.set(``)
	r.finish(6)
	n := r.node("")
	n.takes(3, "+ACK")
	after3 := r.last()
	n.takes(3, "+ACK")
	return instead("stored_at_once", after3, 3, r.last(), 6)
}

// pull asks for up to so many deliveries, commits them and gives them.
func (r *run) pull(batch int) []delivery {
	r.t.Helper()
	var reply struct{ Deliveries []delivery }
	r.must("next."+r.id, fmt.Sprintf(`{"batch": %d}`, batch), &reply)
	for _, d := range reply.Deliveries {
		r.must("settle."+r.id, fmt.Sprintf(`{"token": "%s", "answer": "ack"}`, d.Token), nil)
	}
	return reply.Deliveries
}
