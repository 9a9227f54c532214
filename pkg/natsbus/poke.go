package natsbus

import (
	"fmt"
	"log/slog"
	"sync"

	"github.com/nats-io/nats.go"

	"kapivara/pkg/wire"
)

// Poker tells the other services of commits. It never waits: notes that come while one is being published become one.
type Poker struct {
	nc   *nats.Conn
	log  *slog.Logger
	wake chan struct{}
	stop chan struct{}
	done sync.WaitGroup
	once sync.Once

	mu   sync.Mutex
	note wire.Committed
	any  bool
}

// NewPoker publishes on the connection until Stop.
func NewPoker(nc *nats.Conn, log *slog.Logger) *Poker {
	p := &Poker{nc: nc, log: log, wake: make(chan struct{}, 1), stop: make(chan struct{})}
	p.done.Go(p.run)
	return p
}

// Committed notes a commit.
func (p *Poker) Committed(c wire.Committed) {
	p.mu.Lock()
	p.note.Head = max(p.note.Head, c.Head)
	p.note.Due = p.note.Due || c.Due
	p.note.Registry = p.note.Registry || c.Registry
	p.any = true
	p.mu.Unlock()
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// Stop publishes what is noted and ends. Stopping twice is fine.
func (p *Poker) Stop() {
	p.once.Do(func() { close(p.stop) })
	p.done.Wait()
}

func (p *Poker) run() {
	for {
		select {
		case <-p.wake:
			p.publish()
		case <-p.stop:
			p.publish()
			return
		}
	}
}

func (p *Poker) publish() {
	p.mu.Lock()
	note, anything := p.note, p.any
	p.note, p.any = wire.Committed{}, false
	p.mu.Unlock()
	if !anything {
		return
	}
	if err := p.nc.Publish(wire.InternalCommitted, note.Append(nil)); err != nil {
		p.log.Debug("poke not sent: others find the commit by polling", "error", err)
	}
}

// ListenCommitted hands on every note of a commit, one at a time; handle must not wait. Notes may be lost: a slow poll
// stays behind them.
func ListenCommitted(nc *nats.Conn, handle func(wire.Committed)) (*nats.Subscription, error) {
	sub, err := nc.Subscribe(wire.InternalCommitted, func(m *nats.Msg) {
		if note, err := wire.DecodeCommitted(m.Data); err == nil {
			handle(note)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("listen to commits: %w", err)
	}
	return sub, nil
}
