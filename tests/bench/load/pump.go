package load

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// answerWithin is how long an answer may take before it is taken for lost.
const answerWithin = time.Minute

// Forever is a length for a pump whose Next comes to an end.
const Forever = time.Hour

// Pump keeps so many requests in flight on one connection: each answer makes room for the next request of its slot.
type Pump struct {
	// Conn and Subject are where the requests go.
	Conn    *nats.Conn
	Subject string
	// InFlight is the number of slots.
	InFlight int
	// Next is the body of the next request of a slot, nil where there is none. It is good until the next call; calls are
	// one at a time, and so are those of Check.
	Next func(slot int, now time.Time) []byte
	// More tells whether a slot goes on when the time is over; nil: none does.
	More func(slot int) bool
	// Check looks at the answer of a slot. An error ends the run.
	Check func(slot int, m *nats.Msg) error
	// Send sends a slot's body with the reply subject. Left nil, it goes to Subject as it is.
	Send func(slot int, reply string, body []byte) error
}

// Tally is what a pump has seen.
type Tally struct {
	Requests  int64
	Elapsed   time.Duration // until the last answer
	Latencies []time.Duration
}

// run is one run of a pump.
type run struct {
	*Pump
	inbox    string // of slot n: inbox.n
	deadline time.Time

	mu    sync.Mutex
	sent  []time.Time
	open  int // slots that wait
	tally Tally
	err   error
	done  chan struct{}
}

// Run sends for so long, or until Next has no more, and waits for all answers. It is an error when there is nothing to send.
func (p *Pump) Run(ctx context.Context, length time.Duration) (Tally, error) {
	began := time.Now()
	r := &run{Pump: p, inbox: nats.NewInbox(), deadline: began.Add(length), sent: make([]time.Time, p.InFlight), done: make(chan struct{})}
	sub, err := p.Conn.Subscribe(r.inbox+".*", r.answer)
	if err != nil {
		return Tally{}, fmt.Errorf("pump: %w", err)
	}
	defer sub.Unsubscribe()
	if err := sub.SetPendingLimits(-1, -1); err != nil {
		return Tally{}, fmt.Errorf("pump: %w", err)
	}
	r.fill(began)
	late := time.NewTimer(length + answerWithin)
	defer late.Stop()
	select {
	case <-r.done:
	case <-ctx.Done():
		r.end(ctx.Err())
	case <-late.C:
		r.end(fmt.Errorf("an answer has not come within %v", answerWithin))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tally.Elapsed = time.Since(began)
	return r.tally, r.err
}

// fill sends the first request of every slot.
func (r *run) fill(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for n := range r.sent {
		if body := r.Next(n, now); body != nil && r.err == nil {
			r.open++
			r.send(n, now, body)
		}
	}
	if r.open == 0 {
		r.finish(errors.New("there is nothing to send"))
	}
}

func (r *run) send(n int, now time.Time, body []byte) {
	r.sent[n] = now
	reply := r.inbox + "." + strconv.Itoa(n)
	var err error
	if r.Send != nil {
		err = r.Send(n, reply, body)
	} else {
		err = r.Conn.PublishRequest(r.Subject, reply, body)
	}
	if err != nil {
		r.finish(fmt.Errorf("send: %w", err))
	}
}

// answer is called for one answer at a time.
func (r *run) answer(m *nats.Msg) {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return
	}
	n, err := strconv.Atoi(m.Subject[strings.LastIndexByte(m.Subject, '.')+1:])
	if err == nil {
		err = r.Check(n, m)
	}
	if err != nil {
		r.finish(err)
		return
	}
	r.tally.Requests++
	r.tally.Latencies = append(r.tally.Latencies, now.Sub(r.sent[n]))
	if now.Before(r.deadline) || r.More != nil && r.More(n) {
		if body := r.Next(n, now); body != nil {
			r.send(n, now, body)
			return
		}
	}
	if r.open--; r.open == 0 {
		r.finish(nil)
	}
}

func (r *run) end(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.finish(err)
}

// finish ends the run once; the caller holds mu.
func (r *run) finish(err error) {
	select {
	case <-r.done:
	default:
		r.err = err
		close(r.done)
	}
}

// Stored checks that an append was stored, all of its events anew.
func Stored(_ int, m *nats.Msg) error {
	if len(m.Header) > 0 || bytes.Contains(m.Data, []byte(`"stored":false`)) || !bytes.Contains(m.Data, []byte(`"stored":true`)) {
		return fmt.Errorf("not stored: %s %s", m.Header.Get("Nats-Service-Error"), m.Data)
	}
	return nil
}
