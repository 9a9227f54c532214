package cases

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"kapivara/tests/kit"
)

// explained is what explain says of a stream of the case.
type explained struct {
	Reason string
	Why    string
	Next   string `json:"next_step"`
}

// explain asks why the subscriber has a stream, or not.
func (r *run) explain(stream string) explained {
	r.t.Helper()
	var reply struct{ Subscribers []explained }
	r.must("read.explain.cases", fmt.Sprintf(`{"stream": "cases/%s/order/%s", "subscriber": "%[1]s"}`, r.id, stream), &reply)
	if len(reply.Subscribers) != 1 {
		r.t.Fatalf("explain: %+v", reply)
	}
	return reply.Subscribers[0]
}

// reason is how a real bus comes to a reason.
type reason struct {
	does func(r *run) (stream string)
	says string // in why or next_step
}

// holds explains the stream and holds it to the code of the case: what stands before the colon of its name.
func (c reason) holds(r *run, name string) {
	r.t.Helper()
	code, _, _ := strings.Cut(name, ":")
	got := r.explain(c.does(r))
	if got.Reason != code || !strings.Contains(got.Why+"; "+got.Next, c.says) || got.Why == "" || got.Next == "" {
		r.t.Errorf("got %+v, want it to say %q", got, c.says)
	}
}

// id is a subscriber's name for a case.
func (c reason) id(name string) string {
	return strings.NewReplacer(":", "", " ", "-", ",", "").Replace(name)
}

// Each reason is given by a real bus for what has led to it.
func TestReasonsAreReached(t *testing.T) {
	t.Parallel()
	url := startBus(t)
	for _, part := range []map[string]reason{plainReasons(), operatorsReasons()} {
		for name, c := range part {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				c.holds(newRun(t, url, c.id(name)), name)
			})
		}
	}
}

// What docs/explain.md names is reached by a case, and nothing else is.
func TestEveryReasonOfTheDocumentIsReached(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(kit.Root(t), "docs", "explain.md"))
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile("(?m)^\\|(?: [a-z, ]+ \\|)? (`[a-z_`, ]+`) \\|").FindAllStringSubmatch(string(text), -1)
	documented := map[string]bool{}
	for _, row := range rows {
		for code := range strings.SplitSeq(row[1], ", ") {
			documented[strings.Trim(code, "`")] = true
		}
	}
	reached := map[string]bool{}
	for _, part := range []map[string]reason{plainReasons(), operatorsReasons(), gatedReasons(nil), awayReasons(nil)} {
		for name := range part {
			code, _, _ := strings.Cut(name, ":")
			reached[code] = true
		}
	}
	if len(documented) < 30 || !maps.Equal(documented, reached) {
		t.Errorf("the document has %v,\nreached are %v", slices.Sorted(maps.Keys(documented)), slices.Sorted(maps.Keys(reached)))
	}
}

// plainReasons are come to by what publishers and nodes do.
func plainReasons() map[string]reason {
	return map[string]reason{
		"stream_filter": {func(r *run) string {
			r.set(`"streams": ["bank/*"]`)
			r.finish(1)
			return "1"
		}, "it is bank/*"},
		"type_filter": {func(r *run) string {
			r.set(`"types": ["invoice.*"]`)
			r.finish(1)
			return "1"
		}, "it is invoice.*"},
		"not_finished": {func(r *run) string {
			r.set(``)
			r.append("1", 1, false)
			return "1"
		}, "stands at position 1"},
		"missing_events": {func(r *run) string {
			r.set(``)
			r.append("1", 4, true)
			return "1"
		}, "1-3"},
		"before_start": {func(r *run) string {
			r.finish(1)
			r.set(``)
			return "1"
		}, "before the subscriber was set"},
		"not_due": {func(r *run) string {
			r.append("1", 1, false)
			r.set(`"deliver": "appended"`)
			return "1"
		}, "at the time"},
		"nobody_listens": {func(r *run) string {
			r.set(``)
			r.finish(1)
			r.until("the sending meets nobody", func() bool { return r.explain("1").Reason == "nobody_listens" })
			return "1"
		}, "start a node"},
		"awaiting_answer": {func(r *run) string {
			r.set(``)
			n := r.node("node-7")
			n.claims(1, "1m")
			r.finish(1)
			n.take()
			return "1"
		}, "to node node-7, which has claimed bucket 0"},
		"bucket_busy": {func(r *run) string {
			r.set(``)
			n := r.node("")
			r.finish(3)
			n.take()
			r.until("the node is known", func() bool { return r.explain("3").Reason == "bucket_busy" })
			return "3"
		}, "1 delivery goes before it"},
		"nobody_answers": {func(r *run) string {
			r.set(`"ack_wait": "100ms", "backoff": ["1h"]`)
			n := r.node("")
			r.finish(1)
			n.take()
			r.stands(counts{Hidden: 1})
			return "1"
		}, "nobody has answered any delivery of the subscriber since"},
		"refused": {func(r *run) string {
			r.set(`"backoff": ["1h"]`)
			r.finish(1)
			n := r.node("")
			n.answer(n.take(), `-NAK`)
			return "1"
		}, "-NAK to attempt 1"},
		"no_answer_in_time": {func(r *run) string {
			r.set(`"ack_wait": "2s", "backoff": ["1h"]`)
			r.finish(2)
			n := r.node("")
			n.take()                   // no word
			n.answer(n.take(), "+ACK") // of the next
			r.stands(counts{Hidden: 1, Committed: 1})
			return "1"
		}, "had no answer in time"},
		"terminated": {func(r *run) string {
			r.set(``)
			r.finish(1)
			n := r.node("")
			n.answer(n.take(), "+TERM no such customer")
			return "1"
		}, "+TERM: no such customer"},
		"attempts_refused": {func(r *run) string {
			r.set(`"max_attempts": 1`)
			r.finish(1)
			n := r.node("")
			n.answer(n.take(), "-NAK no such account")
			return "1"
		}, "-NAK to attempt 1, the last that it had"},
		"attempts_unanswered": {func(r *run) string {
			r.set(`"max_attempts": 1, "ack_wait": "2s", "max_in_flight": 2`)
			r.finish(2)
			n := r.node("")
			n.take() // no word
			n.answer(n.take(), "+ACK")
			r.stands(counts{Parked: 1, Committed: 1})
			return "1"
		}, "attempt 1, the last that it had, got no answer until its deadline"},
		"attempts_abandoned": {func(r *run) string {
			r.set(`"max_attempts": 1, "max_in_flight": 2`)
			n := r.node("node-7")
			n.claims(1, "5s")
			r.finish(2)
			n.take() // dies over it
			d := n.take()
			n.claims(1, "5s") // so that the answer is in time, however slow the machine
			n.answer(d, "+ACK")
			r.stands(counts{Parked: 1, Committed: 1})
			return "1"
		}, "the node that had attempt 1, the last that it had, died"},
		"committed": {func(r *run) string {
			r.set(``)
			r.finish(1)
			r.node("").takes(1, "+ACK")
			return "1"
		}, "has committed it at"},
		"up_to_date": {func(r *run) string {
			r.set(`"deliver": "appended"`)
			r.append("1", 1, false)
			r.node("").takes(1, "+ACK")
			return "1"
		}, "position 2 is delivered once it is stored"},
		"held_back": {func(r *run) string {
			r.set(`"deliver": "appended"`)
			r.append("1", 1, false)
			n := r.node("")
			n.answer(n.take(), "+TERM bad IBAN")
			r.append("1", 2, false)
			return "1"
		}, "it is parked: held_back/0/1: bad IBAN"},
	}
}

// operatorsReasons are come to by what operators do: each is told apart from what a node has said, and from its silence.
func operatorsReasons() map[string]reason {
	return map[string]reason{
		"hidden_by_operator": {func(r *run) string {
			r.set(``)
			r.finish(1)
			r.node("").take()
			r.must("delivery.hide."+r.id, `{"numbers": [{"bucket": "0", "number": 1}], "delay": "1h", "reason": "month end"}`, nil)
			return "1"
		}, "it was hidden by an operator: month end; it is sent again after"},
		"hidden_by_operator: after a refusal": {func(r *run) string {
			r.set(`"backoff": ["1h"]`)
			r.finish(1)
			n := r.node("")
			n.answer(n.take(), "-NAK")
			r.must("delivery.hide."+r.id, `{"stream": "cases/`+r.id+`/order/1", "delay": "2h"}`, nil)
			return "1"
		}, "it was hidden by an operator; it is sent again after"},
		"hidden_by_operator: before it was sent": {func(r *run) string {
			r.set(``)
			r.finish(2)
			r.node("").take()
			r.must("delivery.hide."+r.id, `{"stream": "cases/`+r.id+`/order/2", "delay": "1h"}`, nil)
			return "2"
		}, "it was hidden by an operator; it is sent again after"},
		"parked_by_operator": {func(r *run) string {
			r.set(``)
			r.finish(1)
			r.node("").take()
			r.must("delivery.park."+r.id, `{"state": "leased", "reason": "wrong month"}`, nil)
			return "1"
		}, "it was parked by an operator: wrong month; mend the cause"},
		"discarded": {func(r *run) string {
			r.set(``)
			r.finish(1)
			n := r.node("")
			n.answer(n.take(), "+TERM no such customer")
			r.must("delivery.discard."+r.id, `{"state": "parked"}`, nil)
			return "1"
		}, "it was discarded by an operator, for good"},
		"bucket_busy: of what is retried": {func(r *run) string {
			r.set(``)
			r.finish(2)
			n := r.node("")
			n.answer(n.take(), "+TERM")
			n.take()
			r.must("delivery.retry."+r.id, `{"state": "parked"}`, nil)
			return "1"
		}, "max_in_flight allows, 1 (bucket_busy-of-what-is-retried/0/2, attempt 1"},
		"held_back: by what an operator has parked": {func(r *run) string {
			r.set(`"deliver": "appended"`)
			r.append("1", 1, false)
			r.node("").take()
			r.must("delivery.park."+r.id, `{"state": "leased", "reason": "wrong month"}`, nil)
			r.append("1", 2, false)
			return "1"
		}, "it is parked: held_back-by-what-an-operator-has-parked/0/1: wrong month"},
	}
}
