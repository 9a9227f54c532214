package client

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"time"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/wire"
)

// WithPages hands deliveries that come by reference over without their events: d.Events is nil, and d.Read reads them page
// by page, so that a stream of any size takes the memory of one page. Without it they are collected before the handler is
// called, all of them in memory; Read gives them then as well.
func WithPages() SubscribeOption {
	return func(c *subscribeConfig) error {
		c.pages = true
		return nil
	}
}

// Read gives the events of the delivery one after another: from memory where they came with it, else page after page, of
// which one is held at a time. Each page is asked for again until ctx ends, and while pages are read the deadline is moved
// on; a handler that works for longer than ack_wait on one page calls Progress as well. It gives exactly From to To, or an
// error at the end: StaleToken where another attempt has the delivery by now. It may be called again, and begins anew.
func (d *Delivery) Read(ctx context.Context) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		if d.pages == nil || d.Events != nil {
			for i := range d.Events {
				if !yield(d.Events[i], nil) {
					return
				}
			}
			return
		}
		d.readPages(ctx, yield)
	}
}

func (d *Delivery) readPages(ctx context.Context, yield func(Event, error) bool) {
	next, cursor, extended := d.From, "", time.Now()
	for {
		if time.Since(extended) > d.AckWait/4 && d.progress != nil {
			if err := d.progress(ctx); CodeOf(err) == StaleToken { // of another failure the answer will tell
				yield(Event{}, err)
				return
			}
			extended = time.Now()
		}
		events, following, err := d.page(ctx, cursor)
		if err != nil {
			yield(Event{}, err)
			return
		}
		for i := range events {
			if events[i].Position != next {
				yield(Event{}, fmt.Errorf("read delivery: position %d came where %d belongs", events[i].Position, next))
				return
			}
			next++
			if !yield(events[i], nil) {
				return
			}
		}
		if cursor = following; cursor == "" {
			break
		}
	}
	if next != d.To+1 {
		yield(Event{}, fmt.Errorf("read delivery: it ends at position %d, not at %d", next-1, d.To))
	}
}

// page reads one page, and asks again while that may help.
func (d *Delivery) page(ctx context.Context, cursor string) (events []Event, next string, err error) {
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
		return d.pages.ask(ctx, "read delivery", wire.Read("delivery", d.Subscriber), request, &reply)
	})
	if err != nil {
		return nil, "", err
	}
	if events, err = wire.DecodeEvents(reply.Events); err != nil {
		return nil, "", fmt.Errorf("read delivery: %w", err)
	}
	return events, reply.Next, nil
}

// collect reads all events into d.Events.
func (d *Delivery) collect(ctx context.Context) error {
	var all []Event
	for e, err := range d.Read(ctx) {
		if err != nil {
			return err
		}
		all = append(all, e)
	}
	d.Events = all
	return nil
}

// WriteJSON writes the delivery as JSON does, its events as they are read: it holds one page of them at most.
func (d *Delivery) WriteJSON(ctx context.Context, to io.Writer) error {
	if d.pages == nil || d.Events != nil {
		text, err := d.JSON()
		if err == nil {
			_, err = to.Write(text)
		}
		return err
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(d.Raw, &members); err != nil {
		return fmt.Errorf("delivery: %w", err)
	}
	delete(members, "read")
	delete(members, "events")
	head, err := json.Marshal(members)
	if err != nil {
		return fmt.Errorf("delivery: %w", err)
	}
	text := append(head[:len(head)-1], `,"events":[`...)
	first := true
	for e, err := range d.Read(ctx) {
		if err != nil {
			return err
		}
		if !first {
			text = append(text, ',')
		}
		first = false
		text = wire.AppendEvent(text, &e)
		if _, err := to.Write(text); err != nil {
			return err
		}
		text = text[:0]
	}
	_, err = to.Write(append(text, "]}"...))
	return err
}
