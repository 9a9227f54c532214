package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/wire"
)

// DefaultMaxAll bounds Delivery.All, in bytes of data and attributes; see WithMaxAll.
const DefaultMaxAll = 64 << 20

// source is where the events of a delivery are.
type source struct {
	client *Client
	events []Event // that came with it, nil where they are to be read

	mu     sync.Mutex
	failed error // of the last reading
}

// Events gives the events of the delivery one after another: those that came with it, or, where it was too large for a
// message, page after page, of which one is held at a time. Each page is asked for again until ctx ends, and while pages
// are read the deadline is moved on; a handler that works for longer than ack_wait on one page calls Progress as well.
//
// It gives exactly From to To, or an error at the end: StaleToken where another attempt has the delivery by now. It may be
// called again, and begins anew. A delivery whose last reading has failed cannot be committed: a handler that returns nil
// all the same has it sent again, and Ack refuses.
func (d *Delivery) Events(ctx context.Context) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		if d.source == nil {
			yield(Event{}, errors.New("read delivery: it was not received"))
			return
		}
		enough, err := d.each(ctx, func(e Event) bool { return yield(e, nil) })
		if err != nil {
			d.source.note(err)
			yield(Event{}, err)
		} else if !enough {
			d.source.note(nil)
		}
	}
}

// All gives the events of the delivery at once, for streams that are known to be small. More than WithMaxAll are TooLarge,
// and are for Events: one large stream must not end the process again and again. For everything else see there.
func (d *Delivery) All(ctx context.Context) ([]Event, error) {
	var all []Event
	size := 0
	for e, err := range d.Events(ctx) {
		if err != nil {
			return nil, err
		}
		if size += len(e.Data) + len(e.Attributes); size > d.source.client.maxAll {
			err := kapivara.Refuse(TooLarge, "the events take more than %d bytes; read them by Delivery.Events", d.source.client.maxAll)
			d.source.note(err)
			return nil, fmt.Errorf("read delivery: %w", err)
		}
		all = append(all, e)
	}
	return all, nil
}

// note keeps what has become of the last reading.
func (s *source) note(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failed = err
}

// unread is why the delivery must not be committed: its events were asked for, and did not come whole.
func (d *Delivery) unread() error {
	if d.source == nil {
		return nil
	}
	d.source.mu.Lock()
	defer d.source.mu.Unlock()
	if d.source.failed == nil {
		return nil
	}
	return fmt.Errorf("its events were not read whole: %w", d.source.failed)
}

// each hands the events out until it is told that they are enough.
func (d *Delivery) each(ctx context.Context, take func(Event) bool) (enough bool, err error) {
	next, cursor, extended := d.From, "", time.Now()
	events := d.source.events
	for inline := events != nil; ; {
		if !inline {
			if events, cursor, err = d.page(ctx, cursor, &extended); err != nil {
				return false, err
			}
		}
		for i := range events {
			if events[i].Position != next || next > d.To {
				return false, fmt.Errorf("read delivery: position %d came where %d of %d to %d belongs", events[i].Position, next, d.From, d.To)
			}
			next++
			if !take(events[i]) {
				return true, nil
			}
		}
		if cursor == "" {
			break
		}
	}
	if next != d.To+1 {
		return false, fmt.Errorf("read delivery: it ends at position %d, not at %d", next-1, d.To)
	}
	return false, nil
}

// page reads one page, and asks again while that may help. The deadline is moved on meanwhile: that the reader is away is no
// fault of the delivery.
func (d *Delivery) page(ctx context.Context, cursor string, extended *time.Time) (events []Event, next string, err error) {
	request := struct {
		Bucket string `json:"bucket"`
		Number int64  `json:"number"`
		Limit  int    `json:"limit"`
		Cursor string `json:"cursor,omitempty"`
	}{d.Bucket.String(), d.Number, kapivara.MaxPage, cursor}
	var reply struct {
		Events []json.RawMessage `json:"events"`
		Next   string            `json:"next"`
	}
	err = Retry(ctx, func(ctx context.Context) error {
		reply.Events, reply.Next = nil, ""
		if time.Since(*extended) > d.AckWait/4 && d.progress != nil {
			if err := d.progress(ctx); CodeOf(err) == StaleToken { // of another failure the answer will tell
				return err
			}
			*extended = time.Now()
		}
		return d.source.client.ask(ctx, "read delivery", wire.Read("delivery", d.Subscriber), request, &reply)
	})
	if err != nil {
		return nil, "", err
	}
	if events, err = wire.DecodeEvents(reply.Events); err != nil {
		return nil, "", fmt.Errorf("read delivery: %w", err)
	}
	return events, reply.Next, nil
}
