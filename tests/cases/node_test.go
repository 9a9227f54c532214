package cases

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
)

// patience is how long one step may take on a busy machine.
const patience = 30 * time.Second

// run is one case under way, with a subscriber of the case's name, of the streams cases/<name>/….
type run struct {
	t    *testing.T
	id   string // also the subscriber
	url  string
	nc   *nats.Conn
	done int // streams finished so far
}

// ask sends a request and gives the reply; the error's code where it was refused.
func (r *run) ask(subject, body string, into any) (code string) {
	r.t.Helper()
	msg, err := r.nc.Request("kapivara.v1."+subject, []byte(body), patience)
	if err != nil {
		r.t.Fatalf("%s %s: %v", subject, body, err)
	}
	var refused struct {
		Error struct{ Code, Message string }
	}
	if err := json.Unmarshal(msg.Data, &refused); err != nil {
		r.t.Fatalf("%s: %q: %v", subject, msg.Data, err)
	}
	if strings.Contains(refused.Error.Message, "not built yet") {
		r.t.Skipf("%s is not built yet", subject)
	}
	if refused.Error.Code == "" && into != nil {
		if err := json.Unmarshal(msg.Data, into); err != nil {
			r.t.Fatalf("%s: %q: %v", subject, msg.Data, err)
		}
	}
	return refused.Error.Code
}

// must is ask that has to be ok.
func (r *run) must(subject, body string, into any) {
	r.t.Helper()
	if code := r.ask(subject, body, into); code != "" {
		r.t.Fatalf("%s %s: refused: %s", subject, body, code)
	}
}

// set makes the subscriber, with one bucket and short pauses unless the settings say otherwise.
func (r *run) set(settings string) {
	r.t.Helper()
	body := map[string]any{"streams": []string{"cases/" + r.id + "/*"}, "buckets": 1, "backoff": []string{"100ms"}}
	if err := json.Unmarshal([]byte("{"+settings+"}"), &body); err != nil {
		r.t.Fatal(err)
	}
	text, err := json.Marshal(body)
	if err != nil {
		r.t.Fatal(err)
	}
	r.must("registry.subscriber.set."+r.id, string(text), nil)
}

// finish stores so many complete streams of one event, 1, 2, 3 … in the order of their names.
func (r *run) finish(n int) {
	r.t.Helper()
	for range n {
		r.done++
		r.append(fmt.Sprint(r.done), 1, true)
	}
}

// append stores one event of a stream, and gives its log position.
func (r *run) append(stream string, position int, final bool) int64 {
	r.t.Helper()
	var reply struct {
		Events []struct {
			LogPosition int64 `json:"log_position"`
		}
	}
	r.must("append.cases-"+r.id, fmt.Sprintf(
		`{"stream": "cases/%s/order/%s", "events": [{"id": "%[1]s-%[2]s-%d", "type": "%[1]s.done", "position": %[3]d, "final": %v}]}`,
		r.id, stream, position, final), &reply)
	return reply.Events[0].LogPosition
}

// counts are the deliveries of all buckets of the subscriber.
type counts struct{ Pending, Leased, Hidden, Parked, Committed, Discarded int }

func (r *run) counts() (sum counts) {
	r.t.Helper()
	var reply struct{ Buckets []counts }
	r.must("read.subscriber."+r.id, `{}`, &reply)
	for _, b := range reply.Buckets {
		sum.Pending += b.Pending
		sum.Leased += b.Leased
		sum.Hidden += b.Hidden
		sum.Parked += b.Parked
		sum.Committed += b.Committed
		sum.Discarded += b.Discarded
	}
	return sum
}

// stands waits until the subscriber's deliveries stand so.
func (r *run) stands(want counts) {
	r.t.Helper()
	r.until(fmt.Sprintf("the deliveries stand at %+v", want), func() bool { return r.counts() == want })
}

func (r *run) until(what string, is func() bool) {
	r.t.Helper()
	for begun := time.Now(); !is(); {
		if time.Since(begun) > patience {
			r.t.Fatalf("not within %v: %s; they stand at %+v", patience, what, r.counts())
		}
	}
}

// last is the number that bucket 0 committed last, 0 for none.
func (r *run) last() int64 {
	r.t.Helper()
	var d struct{ Number int64 }
	if code := r.ask("read.last-committed."+r.id, `{"bucket": "0"}`, &d); code != "" && code != "not_found" {
		r.t.Fatalf("last-committed: %s", code)
	}
	return d.Number
}

// delivery is what a node gets.
type delivery struct {
	Bucket, Stream, Cause, Token string
	Number                       int64
	Attempt                      int
	Deadline                     time.Time
	reply                        string
}

// name is the stream's own, without what all of the case have.
func (d *delivery) name() string { return d.Stream[strings.LastIndex(d.Stream, "/")+1:] }

// node is a subscriber's process: a connection of its own.
type node struct {
	*run
	nc   *nats.Conn
	name string // "" in the queue group
	got  chan *nats.Msg
}

// node starts one in the queue group, or, with a name, one that may claim buckets.
func (r *run) node(name string) *node {
	r.t.Helper()
	nc, err := nats.Connect(r.url)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(nc.Close)
	n := &node{run: r, nc: nc, name: name, got: make(chan *nats.Msg, 1000)}
	subject := "kapivara.v1.bucket." + r.id + ".*"
	if name != "" {
		subject += "." + name
	}
	if _, err = nc.ChanQueueSubscribe(subject, r.id, n.got); err == nil {
		err = nc.Flush()
	}
	if err != nil {
		r.t.Fatal(err)
	}
	return n
}

// leave ends the node without a word.
func (n *node) leave() { n.nc.Close() }

// claim asks once for so many buckets, and gives how many the node has.
func (n *node) claim(count int, ttl string) int {
	n.t.Helper()
	return len(n.claimed(count, ttl))
}

// claimed asks once for so many buckets, and gives those that the node has.
func (n *node) claimed(count int, ttl string) (buckets []string) {
	n.t.Helper()
	var reply struct{ Buckets []struct{ Bucket string } }
	n.must("claim."+n.id, fmt.Sprintf(`{"node": "%s", "count": %d, "ttl": "%s"}`, n.name, count, ttl), &reply)
	for _, b := range reply.Buckets {
		buckets = append(buckets, b.Bucket)
	}
	return buckets
}

// each waits until each of the nodes, which want so many, has so few.
func (r *run) each(want, have int, nodes ...*node) {
	r.t.Helper()
	r.until(fmt.Sprintf("each of %d nodes has %d buckets", len(nodes), have), func() bool {
		all := true
		for _, n := range nodes {
			all = n.claim(want, "1m") == have && all
		}
		return all
	})
}

// claims asks until the node has so many.
func (n *node) claims(count int, ttl string) {
	n.t.Helper()
	n.until(fmt.Sprintf("node %s has %d buckets", n.name, count), func() bool { return n.claim(count, ttl) == count })
}

// take is the next delivery.
func (n *node) take() *delivery {
	n.t.Helper()
	select {
	case m := <-n.got:
		return n.read(m)
	case <-time.After(patience):
		n.t.Fatalf("no delivery within %v; they stand at %+v", patience, n.counts())
		return nil
	}
}

func (n *node) read(m *nats.Msg) *delivery {
	n.t.Helper()
	d := &delivery{reply: m.Reply}
	if err := json.Unmarshal(m.Data, d); err != nil {
		n.t.Fatalf("delivery %q: %v", m.Data, err)
	}
	return d
}

// takes takes so many, and gives the names of their streams with the attempts.
func (n *node) takes(many int, answer string) (names []string) {
	n.t.Helper()
	for range many {
		d := n.take()
		if answer != "" {
			n.answer(d, answer)
		}
		name := d.name()
		if d.Attempt > 1 {
			name += fmt.Sprint("#", d.Attempt)
		}
		names = append(names, name)
	}
	return names
}

// nothing tells whether nothing else has come: after what was sent to the node before.
func (n *node) nothing() bool {
	n.t.Helper()
	if err := n.nc.Flush(); err != nil {
		n.t.Fatal(err)
	}
	return len(n.got) == 0
}

// answer answers with confirmation, and gives what that has come to, or the code of the refusal.
func (n *node) answer(d *delivery, text string) string {
	n.t.Helper()
	msg, err := n.run.nc.Request(d.reply, []byte(text), patience)
	if err != nil {
		n.t.Fatalf("%s: %v", text, err)
	}
	var reply struct {
		Settled string
		Error   struct{ Code string }
	}
	if err := json.Unmarshal(msg.Data, &reply); err != nil {
		n.t.Fatalf("%s: %q: %v", text, msg.Data, err)
	}
	return reply.Settled + reply.Error.Code
}
