package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"kapivara/pkg/client"
	"kapivara/services/kapivara/importlog"
)

// maxGroupBytes keeps a request of several events well below the request limit.
const maxGroupBytes = 512 << 10

// loader sends the events of a log. Requests of one stream go one after another, in the order of the log; streams go
// side by side.
type loader struct {
	cmd    *importCommand
	prefix string
	client *client.Client // nil counts only
	tally  importTally
	lanes  []chan client.Append
}

func newLoader(cmd *importCommand, prefix string, c *client.Client) *loader {
	l := &loader{cmd: cmd, prefix: prefix, client: c, lanes: make([]chan client.Append, cmd.InFlight)}
	for i := range l.lanes {
		l.lanes[i] = make(chan client.Append, 2)
	}
	l.tally.started = time.Now()
	return l
}

// run ends when all is answered, at the first error that is no refusal, or when ctx ends; then it waits for what is on
// its way, for a moment.
func (l *loader) run(ctx context.Context, log importlog.Reader) error {
	reading, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	working, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(reading, func() { time.AfterFunc(2*time.Second, cancel) })()

	var workers sync.WaitGroup
	for _, lane := range l.lanes {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for request := range lane {
				if reading.Err() != nil {
					continue
				}
				if err := l.send(working, request); err != nil {
					stop(err)
				}
			}
		}()
	}
	err := l.read(reading, log)
	for _, lane := range l.lanes {
		close(lane)
	}
	workers.Wait()
	if cause := context.Cause(reading); cause != nil {
		return cause
	}
	return err
}

// read groups the events of a stream that follow one another into requests.
func (l *loader) read(ctx context.Context, log importlog.Reader) error {
	var group group
	for {
		e, err := log.Next()
		var bad *importlog.BadRow
		switch {
		case errors.As(err, &bad):
			l.tally.unreadable(bad)
			continue
		case errors.Is(err, io.EOF):
			return l.dispatch(ctx, group.take())
		case err != nil:
			return fmt.Errorf("read the log: %w", err)
		}
		next := l.event(e)
		stream := client.Stream(l.prefix + "/" + e.Case)
		if !group.fits(stream, &next, l.cmd.PerRequest) {
			if err := l.dispatch(ctx, group.take()); err != nil {
				return err
			}
		}
		group.add(stream, next)
	}
}

func (l *loader) event(e importlog.Event) client.NewEvent {
	n := client.NewEvent{
		ID: client.EventID(e.ID), Type: e.Type, Time: e.Time, Position: e.Position, Final: e.Final && !l.cmd.Open, Data: e.Data,
	}
	if e.Data != nil {
		n.Kind = client.JSONData
	}
	return n
}

func (l *loader) dispatch(ctx context.Context, request client.Append) error {
	if len(request.Events) == 0 {
		return nil
	}
	l.tally.read(len(request.Events))
	select {
	case l.lanes[request.Stream.Hash()%uint64(len(l.lanes))] <- request:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// send appends until there is an answer. A request that is refused for one of its events is sent again event by event.
func (l *loader) send(ctx context.Context, request client.Append) error {
	if l.client == nil {
		l.tally.stored(request.Stream, client.AppendResult{}, len(request.Events))
		return nil
	}
	var result client.AppendResult
	patient, cancel := context.WithTimeout(ctx, l.cmd.Patience)
	defer cancel()
	err := client.Retry(patient, func(ctx context.Context) (err error) {
		result, err = l.client.Append(ctx, l.cmd.Publisher, request)
		return err
	})
	var refusal *client.Error
	switch {
	case err == nil:
		l.tally.stored(request.Stream, result, 0)
		return nil
	case !errors.As(err, &refusal) || client.IsRetryable(err):
		return err
	case len(request.Events) == 1:
		l.tally.refused(request.Stream, &request.Events[0], refusal)
		return nil
	}
	for i := range request.Events {
		one := request
		one.Events = request.Events[i : i+1]
		if err := l.send(ctx, one); err != nil {
			return err
		}
	}
	return nil
}

// group collects events of one stream for a request.
type group struct {
	request client.Append
	bytes   int
}

// fits tells whether the event may join: same stream, room left, a later position, its id not there yet, and nothing
// final before it.
func (g *group) fits(stream client.Stream, e *client.NewEvent, most int) bool {
	if len(g.request.Events) == 0 {
		return true
	}
	if g.request.Stream != stream || len(g.request.Events) >= most || g.bytes+len(e.Data) > maxGroupBytes {
		return false
	}
	last := &g.request.Events[len(g.request.Events)-1]
	return e.Position > last.Position && !last.Final && !slices.ContainsFunc(g.request.Events, func(o client.NewEvent) bool { return o.ID == e.ID })
}

func (g *group) add(stream client.Stream, e client.NewEvent) {
	g.request.Stream = stream
	g.request.Events = append(g.request.Events, e)
	g.bytes += len(e.Data) + 300
}

func (g *group) take() client.Append {
	request := g.request
	*g = group{}
	return request
}
