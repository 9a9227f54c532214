package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"kapivara/pkg/client"
)

// benchPatience is how long a request is sent again while the services are busy or out of reach.
const benchPatience = 30 * time.Second

// benchLoad appends to streams of its own.
type benchLoad struct {
	cmd    *benchCommand
	client *client.Client
	data   []byte
	tally  benchTally

	mu      sync.Mutex
	prefix  string // begins the last part of the streams' names: no two runs share streams
	named   int
	asked   int64             // requests that were due so far
	streams chan *benchStream // that no request is on its way for
}

// benchStream is one of those that are written side by side.
type benchStream struct {
	name   client.Stream
	events int
}

func newBenchLoad(cmd *benchCommand, c *client.Client) *benchLoad {
	l := &benchLoad{cmd: cmd, client: c, data: cmd.data(), prefix: string(client.NewID()), streams: make(chan *benchStream, cmd.Streams)}
	for range cmd.Streams {
		l.streams <- &benchStream{}
	}
	return l
}

// run sends what is due until the time is over, ctx ends, or a request is refused; what is on its way is waited for.
func (l *benchLoad) run(ctx context.Context) error {
	taking, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	l.tally.began = time.Now()
	defer func() { l.tally.took = time.Since(l.tally.began) }()
	var workers sync.WaitGroup
	for range min(l.cmd.InFlight, l.cmd.Streams) { // so that a worker always finds a stream
		workers.Go(func() {
			for {
				due, ok := l.next(taking)
				if !ok {
					return
				}
				if err := l.send(context.WithoutCancel(ctx), due); err != nil {
					stop(err)
				}
			}
		})
	}
	workers.Wait()
	if ctx.Err() != nil {
		return nil
	}
	return context.Cause(taking)
}

// next waits until the next request is due, and gives when that was; false when there is none any more.
func (l *benchLoad) next(ctx context.Context) (due time.Time, ok bool) {
	end := l.tally.began.Add(l.cmd.For)
	if due = time.Now(); l.cmd.Rate == 0 {
		return due, ctx.Err() == nil && due.Before(end)
	}
	l.mu.Lock()
	due = l.tally.began.Add(time.Duration(float64(l.asked*int64(l.cmd.PerRequest)) / float64(l.cmd.Rate) * float64(time.Second)))
	l.asked++
	l.mu.Unlock()
	if !due.Before(end) || !time.Now().Before(end) {
		return due, false
	}
	timer := time.NewTimer(time.Until(due))
	defer timer.Stop()
	select {
	case <-timer.C:
		return due, true
	case <-ctx.Done():
		return due, false
	}
}

// send appends the next events of a stream that nobody writes, as often as it takes to have an answer.
func (l *benchLoad) send(ctx context.Context, due time.Time) error {
	s := <-l.streams
	defer func() { l.streams <- s }()
	if s.name == "" || l.cmd.Length > 0 && s.events == l.cmd.Length {
		*s = benchStream{name: l.newName()}
	}
	request := client.Append{Stream: s.name}
	for range l.cmd.PerRequest {
		s.events++
		request.Events = append(request.Events, client.NewEvent{
			ID: client.NewID(), Type: l.cmd.Type, Kind: client.JSONData, Data: l.data, Final: s.events == l.cmd.Length,
		})
	}
	ctx, cancel := context.WithTimeout(ctx, benchPatience)
	defer cancel()
	tries := 0
	err := client.Retry(ctx, func(ctx context.Context) error {
		tries++
		_, err := l.client.Append(ctx, l.cmd.Publisher, request)
		return err
	})
	if err != nil {
		return err
	}
	l.tally.answered(len(request.Events), time.Since(due), tries, s.events == l.cmd.Length)
	return nil
}

func (l *benchLoad) newName() client.Stream {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.named++
	l.tally.begun(l.named)
	return client.Stream(fmt.Sprintf("%s/%s-%d", l.cmd.Into, l.prefix, l.named))
}
