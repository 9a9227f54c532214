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

// nameLen is the length of the last part of a stream's name.
const nameLen = 16

// Streams is the prefix of the streams that the load appends to, Context their context.
const (
	Context = "bench"
	Streams = Context + "/load/order/"
)

// body is an append of so many events, encoded once: its ids and its stream are patched in place.
type body struct {
	text   []byte
	stream int // where the last part of the stream's name begins
	ids    []int
}

func newBody(events int, final bool) *body {
	b := &body{text: []byte(`{"stream":"` + Streams)}
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

// Writer makes appends of streams that are as long as it says, each with its final event last. Every slot writes its own
// stream, one append after another. Not for several goroutines.
type Writer struct {
	ids    ids
	events int // of a request
	length int // of a stream
	open   *body
	last   *body
	slots  []slot
}

// slot is the stream that one of those in flight writes.
type slot struct {
	name [nameLen]byte
	left int // events that the stream still lacks
}

// NewWriter is for so many slots, events a request, and events a stream; the last is a multiple of the one before. A
// length of 0 stands for streams that never end.
func NewWriter(slots, events, length int) *Writer {
	return &Writer{
		ids: ids{rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))}, events: events, length: length, //nolint:gosec // no secret
		open: newBody(events, false), last: newBody(events, true), slots: make([]slot, slots),
	}
}

// Next is the next append of a slot. It is good until the next call.
func (w *Writer) Next(n int, now time.Time) []byte {
	s := &w.slots[n]
	if s.left <= 0 && (w.length > 0 || s.left == 0) {
		hexOf(s.name[:], w.ids.random.Uint64())
		s.left = w.length
	}
	s.left -= w.events
	b := w.open
	if s.left == 0 && w.length > 0 {
		b = w.last
	}
	copy(b.text[b.stream:], s.name[:])
	for _, at := range b.ids {
		w.ids.put(b.text[at:at+idLen], now)
	}
	return b.text
}
