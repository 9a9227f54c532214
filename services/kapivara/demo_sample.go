package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"kapivara/pkg/client"
)

// samplePrefix begins the names of the sample's streams.
const samplePrefix = "shop/web/order/"

// sample is an event log that the demo makes itself: orders as a shop would have them, in a bad order of arrival.
type sample struct {
	orders   map[client.Stream][]client.NewEvent // what belongs to each order, in order
	arrivals []arrival
	holes    map[client.Stream]int // orders of which one position never arrives
	repeats  int
}

type arrival struct {
	stream client.Stream
	event  client.NewEvent
}

// newSample makes the same sample for the same seed.
func newSample(orders int, seed uint64) *sample {
	r := rand.New(rand.NewPCG(seed, 0x6b617069766172))
	s := &sample{orders: map[client.Stream][]client.NewEvent{}, holes: map[client.Stream]int{}}
	at := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	for i := range orders {
		stream := client.Stream(fmt.Sprintf("%sA-%d", samplePrefix, 1000+i))
		at = at.Add(time.Duration(r.IntN(600)) * time.Second)
		events := order(r, at)
		s.orders[stream] = events
		lost := 0
		if i%100 == 37 {
			lost = 1 + r.IntN(len(events)-1)
			s.holes[stream] = lost
		}
		for _, e := range events {
			if e.Position == lost {
				continue
			}
			s.arrivals = append(s.arrivals, arrival{stream, e})
			if r.IntN(20) == 0 {
				s.arrivals = append(s.arrivals, arrival{stream, e})
				s.repeats++
			}
		}
	}
	r.Shuffle(len(s.arrivals), func(i, j int) { s.arrivals[i], s.arrivals[j] = s.arrivals[j], s.arrivals[i] })
	return s
}

// order is the life of one order.
func order(r *rand.Rand, at time.Time) []client.NewEvent {
	var events []client.NewEvent
	add := func(eventType string, final bool, data map[string]any) {
		at = at.Add(time.Duration(1+r.IntN(7200)) * time.Second)
		text, _ := json.Marshal(data) // a map of plain values cannot fail
		events = append(events, client.NewEvent{
			ID:   client.EventID(fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", r.Uint32(), r.IntN(1<<16), r.IntN(1<<12), r.IntN(1<<12), r.Int64N(1<<48))),
			Type: eventType, Time: at.Format(time.RFC3339), Position: len(events) + 1, Final: final, Kind: client.JSONData, Data: text,
		})
	}
	items := 1 + r.IntN(4)
	cents := 500 + r.IntN(20_000)
	add("order.placed", false, map[string]any{"items": items, "cents": cents, "currency": "EUR"})
	for r.IntN(8) == 0 {
		add("payment.failed", false, map[string]any{"cents": cents})
	}
	if r.IntN(10) == 0 {
		add("order.cancelled", true, map[string]any{"by": "customer"})
		return events
	}
	add("payment.authorized", false, map[string]any{"cents": cents, "method": []string{"card", "sepa", "paypal"}[r.IntN(3)]})
	for item := range items {
		add("item.picked", false, map[string]any{"item": item + 1, "shelf": fmt.Sprintf("%c%d", 'A'+r.IntN(6), r.IntN(40))})
	}
	add("parcel.packed", false, map[string]any{"grams": 200 + r.IntN(4000)})
	add("parcel.shipped", false, map[string]any{"carrier": []string{"post", "parcel"}[r.IntN(2)]})
	if r.IntN(12) == 0 {
		add("order.returned", true, map[string]any{"refund": cents})
		return events
	}
	add("order.delivered", true, map[string]any{"signed": r.IntN(2) == 0})
	return events
}

// appendCounts is what came of appending the sample.
type appendCounts struct {
	stored, repeats int
	took            time.Duration
}

// appendSample sends one event a request, many requests at once.
func appendSample(ctx context.Context, c *client.Client, s *sample) (appendCounts, error) {
	const senders = 32
	var (
		mu     sync.Mutex
		counts appendCounts
		first  error
		wg     sync.WaitGroup
	)
	started := time.Now()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for sender := range senders {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := sender; i < len(s.arrivals) && ctx.Err() == nil; i += senders {
				var result client.AppendResult
				err := client.Retry(ctx, func(ctx context.Context) (err error) {
					result, err = c.Append(ctx, demoPublisher, client.Append{
						Stream: s.arrivals[i].stream, Events: []client.NewEvent{s.arrivals[i].event},
					})
					return err
				})
				mu.Lock()
				switch {
				case err != nil:
					if first == nil {
						first = err
					}
					cancel()
				case result.Events[0].Stored:
					counts.stored++
				default:
					counts.repeats++
				}
				mu.Unlock()
			}
		}()
	}
	wg.Wait()
	counts.took = time.Since(started)
	return counts, first
}
