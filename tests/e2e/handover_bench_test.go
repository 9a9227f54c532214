package e2e_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"
)

// handover is a bucket in which more waits than is out, and two nodes that claim it in turn.
type handover struct {
	holder, waiter *claimingNode
}

func newHandover(b *testing.B) *handover {
	url, _ := startBus(b)
	c := dial(b, url)
	c.set("billing", `{"buckets": 1, "ack_wait": "10m", "max_attempts": 0}`)
	for i := range 3 {
		body := fmt.Sprintf(`{"stream":"e2e/handover/s/%d","events":[{"id":"%d","type":"done","final":true}]}`, i, i)
		c.ask("kapivara.v1.append.clerk", body, &struct{}{})
	}
	book := newClaimBook()
	var nodes [2]*claimingNode
	for i := range nodes {
		var err error
		if nodes[i], err = book.node(dial(b, url), "billing", fmt.Sprint("n", i)); err != nil {
			b.Fatal(err)
		}
		if _, err := nodes[i].claims("billing", `, "count": 1, "ttl": "5m"`); err != nil {
			b.Fatal(err)
		}
	}
	if m, _ := nodes[0].take(patience); m == nil {
		b.Fatal("the first node has nothing")
	}
	return &handover{nodes[0], nodes[1]}
}

// turn has the holder release, and gives how long it took until the other had the delivery that was out.
func (h *handover) turn() (time.Duration, error) {
	began := time.Now()
	ended := make(chan error, 1)
	go func() { ended <- h.holder.release("billing") }()
	m, _ := h.waiter.take(patience)
	took := time.Since(began)
	if m == nil {
		return 0, errors.New("the other node has nothing")
	}
	if err := <-ended; err != nil {
		return 0, err
	}
	_, err := h.holder.claims("billing", `, "count": 1, "ttl": "5m"`)
	h.holder, h.waiter = h.waiter, h.holder
	return took, err
}

// BenchmarkHandover measures how long it takes from the release of a bucket until the node that waited for it has its
// first delivery, which was out at the other; over NATS, with all services in this process.
//
//	go test ./tests/e2e -run '^$' -bench Handover -benchtime 500x
func BenchmarkHandover(b *testing.B) {
	h := newHandover(b)
	var all []time.Duration
	for b.Loop() {
		took, err := h.turn()
		if err != nil {
			b.Fatal(err)
		}
		all = append(all, took)
	}
	slices.Sort(all)
	for name, share := range map[string]float64{"p50-ms": 0.5, "p99-ms": 0.99, "max-ms": 1} {
		b.ReportMetric(all[int(share*float64(len(all)-1))].Seconds()*1000, name)
	}
	b.ReportMetric(0, "ns/op")
}
