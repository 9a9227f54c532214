package cases

import (
	"fmt"
	"strings"
	"testing"
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

// Each reason is given in a real store for what has led to it. What only a whole outage shows, and what only lasts
// moments, stands in the table of pkg/reader alone.
func TestReasonsAreReached(t *testing.T) {
	t.Parallel()
	url := startBus(t)
	for code, c := range map[string]struct {
		does func(r *run) (stream string)
		says string
	}{
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
		"parked": {func(r *run) string {
			r.set(`"max_attempts": 1`)
			r.finish(1)
			n := r.node("")
			n.answer(n.take(), "-NAK")
			return "1"
		}, "set aside after attempt 1"},
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
	} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			r := newRun(t, url, code)
			got := r.explain(c.does(r))
			if got.Reason != code || !strings.Contains(got.Why+"; "+got.Next, c.says) || got.Why == "" || got.Next == "" {
				t.Errorf("got %+v, want it to say %q", got, c.says)
			}
		})
	}
}
