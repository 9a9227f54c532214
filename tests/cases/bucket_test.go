package cases

import (
	"fmt"
	"slices"

	"kapivara/pkg/kapivara"
)

// bucketRuns are "buckets and partitions".
func bucketRuns() map[string]func(*run) string {
	return map[string]func(*run) string{
		// Which node has a stream is the bucket's matter, and the bucket that of the hash of its name.
		"SUB081": func(r *run) string {
			r.set(`"deliver": "appended", "buckets": 8`)
			a, b := r.node("first"), r.node("second")
			r.each(8, 4, a, b)
			at := map[string]map[string]bool{}
			for position := 1; position <= 2; position++ {
				for stream := 1; stream <= 6; stream++ {
					r.append(fmt.Sprint(stream), position, false)
				}
				for got := 0; got < 6; {
					for _, n := range []*node{a, b} {
						select {
						case m := <-n.got:
							d := n.read(m)
							n.answer(d, "+ACK")
							if at[d.name()] == nil {
								at[d.name()] = map[string]bool{}
							}
							at[d.name()][n.name] = true
							got++
						default:
						}
					}
					if r.t.Context().Err() != nil {
						return "nothing came"
					}
				}
			}
			for stream, nodes := range at {
				if len(nodes) != 1 {
					return fmt.Sprintf("stream %s was at %d nodes", stream, len(nodes))
				}
			}
			return instead("by_hash", len(at), 6)
		},
		"SUB083": func(r *run) string {
			r.set(`"buckets": 6`)
			a, b, c := r.node("first"), r.node("second"), r.node("third")
			r.each(6, 3, a, b)
			r.each(6, 2, a, b, c)
			return "evenly"
		},
		"SUB085": func(r *run) string {
			r.set(`"deliver": "appended", "max_in_flight": 10`)
			for stream := 1; stream <= 3; stream++ {
				r.append(fmt.Sprint(stream), 1, false)
			}
			n := r.node("")
			first := []*delivery{n.take(), n.take(), n.take()}
			for stream := 1; stream <= 3; stream++ {
				r.append(fmt.Sprint(stream), 2, true)
			}
			held := r.counts()
			var got []string
			for _, d := range first {
				n.answer(d, "+ACK")
				got = append(got, fmt.Sprint(d.name() == n.takeAnd("+ACK").name()))
			}
			return outcome(held, counts{Pending: 3, Leased: 3}, got, "[true true true]")
		},
		"SUB087": func(r *run) string {
			r.set(`"buckets": 2`)
			a, b := r.node("first"), r.node("second")
			a.claims(2, "1m")
			r.finish(8)
			one, two := a.take(), a.take()
			before := b.claim(1, "1m")
			a.answer(one, "+ACK")
			early := slices.Contains(b.claimed(1, "1m"), two.Bucket) // its delivery is out
			late := a.answer(two, "+ACK")
			r.until("a bucket goes over", func() bool {
				for len(a.got) > 0 { // of the bucket that stays
					a.answer(a.read(<-a.got), "+ACK")
				}
				return b.claim(1, "1m") == 1
			})
			return outcome(before, 0, one.Bucket != two.Bucket, true, early, false, late, "committed")
		},
		"SUB089": func(r *run) string {
			r.set(`"buckets": 8`)
			r.finish(12)
			n := r.node("")
			buckets := map[string]bool{}
			for range 12 {
				d := n.takeAnd("+ACK")
				if want := kapivara.BucketOf(kapivara.Stream(d.Stream).Hash(), false, 8, 0).String(); d.Bucket != want {
					return fmt.Sprintf("%s is in bucket %s, by the rule %s", d.Stream, d.Bucket, want)
				}
				buckets[d.Bucket] = true
			}
			return instead("by_whole_name", len(buckets) > 1, true)
		},
		"SUB091": func(r *run) string {
			r.set(``)
			return outcome(r.ask("claim."+r.id, `{"node": "first", "buckets": ["-1"], "ttl": "10s"}`, nil), "invalid_request")
		},
		"SUB093": func(r *run) string {
			r.set(``)
			return outcome(r.ask("claim."+r.id, `{"count": 1, "ttl": "10s"}`, nil), "invalid_request")
		},
	}
}
