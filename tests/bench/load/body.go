package load

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// Data is the data of every event that the bench stores, Kapivara's and the floors': a small JSON object, as an
// application's event has it.
func Data() []byte {
	return []byte(`{"amount":20000,"currency":"EUR","customer":"` + strings.Repeat("c", 80) + `"}`)
}

// nameLen is the length of the last part of a stream's name: hexadecimal digits, drawn for each stream.
const nameLen = 16

// body is an append of so many events, encoded once: its ids and its stream are patched in place.
type body struct {
	text   []byte
	stream int // where the last part of the stream's name begins
	ids    []int
}

func newBody(prefix string, events int, final bool) *body {
	b := &body{text: []byte(`{"stream":"` + prefix)}
	b.stream = len(b.text)
	b.text = append(b.text, strings.Repeat("0", nameLen)+`","events":[`...)
	for i := range events {
		if i > 0 {
			b.text = append(b.text, ',')
		}
		b.text = append(b.text, `{"id":"`...)
		b.ids = append(b.ids, len(b.text))
		last := ""
		if final && i == events-1 {
			last = `"final":true,`
		}
		b.text = fmt.Appendf(b.text, `%s","type":"order.changed",%s"data":%s}`, strings.Repeat("0", idLen), last, Data())
	}
	b.text = append(b.text, `]}`...)
	return b
}

// Streams are what a Writer writes.
type Streams struct {
	Prefix string // of their names: context/system/type/
	Events int    // of a request
	Length int    // of a stream: a multiple of Events, the last event is the final one
}

// Writer makes appends. Every slot of a pump writes its own stream, one append after another. Not for several goroutines.
type Writer struct {
	Streams
	// Begun and Finished count the streams of which the first or the final event was asked for.
	Begun, Finished int64

	ids   ids
	open  *body
	last  *body
	slots []slot
}

// slot is the stream that one of those in flight writes.
type slot struct {
	name [nameLen]byte
	left int // events that the stream still lacks
}

// NewWriter is for so many slots.
func NewWriter(slots int, streams Streams) *Writer {
	return &Writer{
		Streams: streams, ids: ids{rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))}, //nolint:gosec // no secret
		open:  newBody(streams.Prefix, streams.Events, false),
		last:  newBody(streams.Prefix, streams.Events, true),
		slots: make([]slot, slots),
	}
}

// Next is the next append of a slot. It is good until the next call.
func (w *Writer) Next(n int, now time.Time) []byte {
	s := &w.slots[n]
	if s.left <= 0 {
		hexOf(s.name[:], w.ids.random.Uint64())
		s.left = w.Length
		w.Begun++
	}
	s.left -= w.Events
	b := w.open
	if s.left <= 0 {
		b = w.last
		w.Finished++
	}
	copy(b.text[b.stream:], s.name[:])
	for _, at := range b.ids {
		w.ids.put(b.text[at:at+idLen], now)
	}
	return b.text
}

// Midway tells whether the stream of a slot still lacks events.
func (w *Writer) Midway(n int) bool { return w.slots[n].left > 0 }

// Name is the name of the stream that a slot has written last.
func (w *Writer) Name(n int) string { return w.Prefix + string(w.slots[n].name[:]) }

// UpTo is Next, so many times in all.
func (w *Writer) UpTo(requests int64) func(slot int, now time.Time) []byte {
	return func(slot int, now time.Time) []byte {
		if requests == 0 {
			return nil
		}
		requests--
		return w.Next(slot, now)
	}
}
