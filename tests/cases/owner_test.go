package cases

import (
	"slices"
	"strings"
)

// ownerRuns are "ownership". A queue group shares a bucket; a claim gives it to one node.
func ownerRuns() map[string]func(*run) string {
	return map[string]func(*run) string{
		"SUB053": func(r *run) string { return shared(r, r.node(""), r.node("")) },
		"SUB055": func(r *run) string {
			n := r.node("")
			if _, err := n.nc.ChanQueueSubscribe("kapivara.v1.bucket."+r.id+".*", r.id, n.got); err != nil {
				r.t.Fatal(err)
			}
			if err := n.nc.Flush(); err != nil {
				r.t.Fatal(err)
			}
			return shared(r, n)
		},
		"SUB057": func(r *run) string {
			r.set(``)
			holder, standby := r.node("first"), r.node("standby")
			holder.claims(1, "1s")
			before := standby.claim(1, "1s")
			r.finish(1)
			holder.take()
			holder.leave()
			r.finish(2)
			standby.claims(1, "1m")
			got := standby.takes(3, "+ACK")
			return outcome(before, 0, got, "[1#2 2 3]", standby.nothing(), true)
		},
		"SUB059": func(r *run) string {
			r.set(`"max_in_flight": 3`)
			r.finish(3)
			a, b := r.node("first"), r.node("second")
			a.claims(1, "2s")
			one, two, three := a.take(), a.take(), a.take()
			acked := a.answer(one, "+ACK")
			b.claims(1, "1m")
			late := []string{a.answer(two, "+ACK"), a.answer(three, "+ACK")}
			got := b.takes(2, "+ACK")
			return outcome(acked, "committed", late, "[stale_token stale_token]", got, "[2#2 3#2]", b.nothing(), true)
		},
		"SUB061": func(r *run) string {
			r.set(`"max_in_flight": 3`)
			r.finish(3)
			a, b := r.node("first"), r.node("second")
			a.claims(1, "1s")
			a.takes(3, "")
			b.claims(1, "1m")
			b.takes(2, "+ACK")
			b.must("release."+r.id, `{"node": "second"}`, nil)
			a.claims(1, "1m")
			got := a.takes(1, "+ACK")
			return outcome(got[0][:2], "3#", r.counts(), counts{Committed: 3}, a.nothing(), true)
		},
		"SUB063": brokenConnection, "SUB065": func(r *run) string {
			if got := brokenConnection(r); got != same {
				return got
			}
			return "after_the_deadline"
		},
		"SUB067": func(r *run) string {
			r.set(`"max_in_flight": 2, "ack_wait": "2s"`)
			r.finish(2)
			first, second := r.node(""), r.node("")
			r.stands(counts{Leased: 2})
			first.leave()
			second.leave()
			n := r.node("")
			seen := n.eventually(2)
			return outcome(seen, "[1 2]", r.counts(), counts{Committed: 2})
		},
		"SUB069": func(r *run) string {
			r.set(`"max_in_flight": 10, "ack_wait": "2s"`)
			r.finish(10)
			first := r.node("")
			first.takes(10, "")
			first.leave()
			r.finish(2)
			return outcome(strings.Join(r.node("").eventually(12), " "), "1 10 11 12 2 3 4 5 6 7 8 9", r.counts(), counts{Committed: 12})
		},
		"SUB071": secondClaims, "SUB077": secondClaims,
		"SUB073": func(r *run) string {
			r.set(``)
			n := r.node("first")
			n.claims(1, "1m")
			return outcome(n.claim(1, "1m"), 1)
		},
		"SUB075": func(r *run) string {
			r.set(``)
			a, b := r.node("first"), r.node("second")
			a.claims(1, "1s")
			a.leave()
			b.claims(1, "1m")
			return instead("after_ttl")
		},
		"SUB079": func(r *run) string {
			r.set(``)
			r.node("second").claims(1, "1m")
			return same
		},
	}
}

// shared has several nodes take all, and each delivery once.
func shared(r *run, nodes ...*node) string {
	r.set(``)
	r.finish(10)
	var got []string
	for len(got) < 10 {
		for _, n := range nodes {
			select {
			case m := <-n.got:
				d := n.read(m)
				n.answer(d, "+ACK")
				got = append(got, d.name())
			default:
			}
		}
		if r.t.Context().Err() != nil {
			break
		}
	}
	return instead("shared", strings.Join(got, " "), "1 2 3 4 5 6 7 8 9 10", r.counts(), counts{Committed: 10})
}

// brokenConnection has what a node had that is gone sent to another.
func brokenConnection(r *run) string {
	r.set(`"ack_wait": "2s", "max_in_flight": 2`)
	first := r.node("")
	r.finish(1)
	held := first.take()
	first.leave()
	second := r.node("")
	r.finish(1)
	seen := second.eventually(2)
	return outcome(held.name(), 1, seen, "[1 2]", r.counts(), counts{Committed: 2})
}

// eventually commits all that comes until so many streams have, and gives their names in order.
func (n *node) eventually(streams int) []string {
	n.t.Helper()
	seen := map[string]bool{}
	for len(seen) < streams {
		if d := n.take(); n.answer(d, "+ACK") == "committed" {
			seen[d.name()] = true
		}
	}
	var names []string
	for name := range seen {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func secondClaims(r *run) string {
	r.set(``)
	first, second := r.node("first"), r.node("second")
	first.claims(1, "1m")
	return outcome(second.claim(1, "1m"), 0, first.claim(1, "1m"), 1)
}
