package natsbus

import "sync"

// Line tells apart the stretches of time in which nothing of what comes back was lost: it is another number once the
// connection was lost and is back, once messages were dropped, and when nobody listens any more.
func (s *Sender) Line() int64 {
	dropped, err := s.settle.Load().Dropped()
	if err != nil || s.settle.Load().IsDraining() {
		return -1
	}
	return int64(s.nc.Stats().Reconnects)<<32 + int64(dropped) //nolint:gosec // far below
}

// Echo has heard called once, behind the handling of all that NATS says of what was sent before the call; certain tells that
// nothing of that was lost since the line was that. It does not wait, and heard must not.
//
// The server says that a sending met nobody before it looks at anything that the connection sent later, so its answer to a
// ping comes behind that, and a barrier in the client behind the handling. No right to any subject is needed for that.
func (s *Sender) Echo(line int64, heard func(certain bool)) {
	e := &s.echoes
	e.mu.Lock()
	defer e.mu.Unlock()
	e.asked = append(e.asked, askedEcho{line, heard})
	if !e.running {
		e.running = true
		go s.echo()
	}
}

// echoes are those that wait. One round trip at a time is made for all that were asked for before it; nobody stays to wait
// for more, and a closed connection ends it.
type echoes struct {
	mu      sync.Mutex
	asked   []askedEcho
	running bool
}

type askedEcho struct {
	line  int64
	heard func(certain bool)
}

func (e *echoes) take() []askedEcho {
	e.mu.Lock()
	defer e.mu.Unlock()
	asked := e.asked
	e.asked, e.running = nil, len(asked) > 0
	return asked
}

func (s *Sender) echo() {
	for asked := s.echoes.take(); len(asked) > 0; asked = s.echoes.take() {
		err := s.nc.FlushTimeout(flushTimeout)
		line := s.Line()
		certain := err == nil && line >= 0
		tell := func() {
			for _, a := range asked {
				a.heard(certain && a.line == line)
			}
		}
		if s.nc.Barrier(tell) != nil { // the connection is closed
			certain = false
			tell()
		}
	}
}
