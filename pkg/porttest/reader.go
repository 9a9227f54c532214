package porttest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/reader"
)

// Fill stores events as they are given, in their order: the log positions are given by the store. A zero Recorded is now.
type Fill func(t *testing.T, events ...kapivara.Event)

// ReaderEvents holds a store to the port of the reader, as far as it is about events. open makes an empty store.
func ReaderEvents(t *testing.T, open func(t *testing.T) (reader.Events, Fill)) {
	ReaderAnswers(t, open)
	t.Run("a page has at least one event and a bounded weight", func(t *testing.T) {
		t.Parallel()
		store, fill := open(t)
		readerWeight(t, store, fill)
	})
}

// ReaderAnswers is ReaderEvents without what nobody can ask from afar: another bound of the weight of a page.
func ReaderAnswers(t *testing.T, open func(t *testing.T) (reader.Events, Fill)) {
	for name, test := range map[string]func(*testing.T, reader.Events, Fill){
		"an event is found by its id and is as it was sent": readerEvent,
		"what is not there is not found":                    readerMissing,
		"a stream is read in pages both ways":               readerStream,
		"the head of a stream is true, whatever is missing": readerHead,
		"since and until bound the time of recording":       readerTimes,
		"the log is read in pages both ways":                readerLog,
		"filters pass over events and nothing else":         readerFilters,
		"streams are listed by name in pages":               readerStreams,
		"streams are listed by what they lack":              readerStreamsState,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store, fill := open(t)
			test(t, store, fill)
		})
	}
}

// anEvent is a plain event.
func anEvent(stream kapivara.Stream, position int, change ...func(*kapivara.Event)) kapivara.Event {
	e := kapivara.Event{Stream: stream, Publisher: "clerk"}
	e.ID = kapivara.EventID(fmt.Sprintf("%s#%d", stream, position))
	e.Type, e.Position, e.Kind, e.Data = "thing.done", position, kapivara.JSONData, []byte(`{"n": 1}`)
	e.Source = kapivara.DefaultSource(stream, e.Publisher)
	for _, c := range change {
		c(&e)
	}
	return e
}

func final(e *kapivara.Event) { e.Final = true }

func ofType(name, publisher string) func(*kapivara.Event) {
	return func(e *kapivara.Event) {
		e.Type, e.Publisher, e.Source = name, publisher, kapivara.DefaultSource(e.Stream, publisher)
	}
}

func recordedAt(at time.Time) func(*kapivara.Event) {
	return func(e *kapivara.Event) { e.Recorded = at }
}

func refusedAs(t *testing.T, err error, code kapivara.Code) {
	t.Helper()
	var refusal *kapivara.Error
	if !errors.As(err, &refusal) || refusal.Code != code {
		t.Errorf("got error %v, want %s", err, code)
	}
}

func readerEvent(t *testing.T, store reader.Events, fill Fill) {
	sent := []kapivara.Event{
		anEvent("a/b/c/1", 1, func(e *kapivara.Event) {
			e.ID, e.Time, e.Source = "0192fdaa-0000-7000-8000-00000000000a", "2026-01-02T03:04:05.678+01:00", "//else/where"
			e.Attributes = []byte(`"subject":"x","correlationid":7`)
		}),
		anEvent("a/b/c/1", 2, final, func(e *kapivara.Event) { e.ID, e.Data = "fifteen-letters", []byte("[1,\n 2.50, 3e0]") }),
		anEvent("a/b/c/ü/2 x", 7, ofType("T02 Check, *not*", "other"), func(e *kapivara.Event) {
			e.Type, e.Kind, e.Data = "T02 Check confirmation", kapivara.BinaryData, []byte{0, 255, 1}
		}),
		anEvent("a/b/c/3", 1, func(e *kapivara.Event) { e.Kind, e.Data = kapivara.NoData, nil }),
		anEvent("a/b/c/3", 2, func(e *kapivara.Event) { e.Kind, e.Data = kapivara.BinaryData, []byte{} }),
	}
	fill(t, sent...)
	for i := range sent {
		got, err := store.Event(t.Context(), sent[i].ID)
		if err != nil {
			t.Fatal(err)
		}
		if got.LogPosition != int64(i+1) || got.Recorded.IsZero() || got.Recorded.Location() != time.UTC {
			t.Errorf("log position %d, recorded %v; want %d and a time in UTC", got.LogPosition, got.Recorded, i+1)
		}
		sameEvent(t, &got, &sent[i])
	}
}

// sameEvent compares what a publisher has sent.
func sameEvent(t *testing.T, got, want *kapivara.Event) {
	t.Helper()
	g, w := *got, *want
	if !g.SameData(w.Kind, w.Data) || !bytes.Equal(g.Attributes, w.Attributes) {
		t.Errorf("event %s: data %q attributes %q, want %q and %q", g.ID, g.Data, g.Attributes, w.Data, w.Attributes)
	}
	g.Data, g.Attributes, g.LogPosition, g.Recorded = nil, nil, 0, time.Time{}
	w.Data, w.Attributes, w.LogPosition, w.Recorded = nil, nil, 0, time.Time{}
	if fmt.Sprint(g) != fmt.Sprint(w) {
		t.Errorf("got  %+v\nwant %+v", g, w)
	}
}

func readerMissing(t *testing.T, store reader.Events, fill Fill) {
	fill(t, anEvent("a/b/c/1", 1))
	_, err := store.Event(t.Context(), "nobody")
	refusedAs(t, err, kapivara.NotFound)
	_, err = store.Stream(t.Context(), streamQuery("a/b/c/2"))
	refusedAs(t, err, kapivara.NotFound)
}

func streamQuery(s kapivara.Stream, change ...func(*kapivara.StreamQuery)) kapivara.StreamQuery {
	q := kapivara.StreamQuery{Stream: s, From: 1, Limit: 100, Bytes: 1 << 20}
	for _, c := range change {
		c(&q)
	}
	return q
}

func positions(events []kapivara.Event) []int {
	list := []int{}
	for i := range events {
		list = append(list, events[i].Position)
	}
	return list
}

func readerStream(t *testing.T, store reader.Events, fill Fill) {
	for i := 1; i <= 9; i++ {
		fill(t, anEvent("a/b/c/1", i), anEvent("a/b/c/2", i))
	}
	for _, c := range []struct {
		name   string
		change func(*kapivara.StreamQuery)
		want   []int
		more   bool
	}{
		{"all", func(*kapivara.StreamQuery) {}, []int{1, 2, 3, 4, 5, 6, 7, 8, 9}, false},
		{"a limit", func(q *kapivara.StreamQuery) { q.Limit = 2 }, []int{1, 2}, true},
		{"a limit of all", func(q *kapivara.StreamQuery) { q.Limit = 9 }, []int{1, 2, 3, 4, 5, 6, 7, 8, 9}, false},
		{"behind a page", func(q *kapivara.StreamQuery) { q.Limit, q.After = 2, 7 }, []int{8, 9}, false},
		{"a stretch", func(q *kapivara.StreamQuery) { q.From, q.To = 3, 5 }, []int{3, 4, 5}, false},
		{"a stretch behind a page", func(q *kapivara.StreamQuery) { q.From, q.To, q.After = 3, 5, 4 }, []int{5}, false},
		{"backward", func(q *kapivara.StreamQuery) { q.Backward, q.Limit = true, 3 }, []int{9, 8, 7}, true},
		{"backward behind a page", func(q *kapivara.StreamQuery) { q.Backward, q.After = true, 3 }, []int{2, 1}, false},
		{"a stretch backward", func(q *kapivara.StreamQuery) { q.Backward, q.From, q.To = true, 3, 5 }, []int{5, 4, 3}, false},
		{"beyond the end", func(q *kapivara.StreamQuery) { q.From = 10 }, []int{}, false},
		{"an empty stretch", func(q *kapivara.StreamQuery) { q.From, q.To = 5, 4 }, []int{}, false},
	} {
		page, err := store.Stream(t.Context(), streamQuery("a/b/c/1", c.change))
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if got := positions(page.Events); !slices.Equal(got, c.want) || page.More != c.more {
			t.Errorf("%s: got %v, more %v; want %v, %v", c.name, got, page.More, c.want, c.more)
		}
		if page.Version != 9 || page.Contiguous != 9 || page.Stream != "a/b/c/1" {
			t.Errorf("%s: the state is %+v", c.name, page.StreamState)
		}
	}
}

func readerHead(t *testing.T, store reader.Events, fill Fill) {
	const s = "a/b/c/1"
	check := func(want kapivara.StreamState) {
		t.Helper()
		page, err := store.Stream(t.Context(), streamQuery(s, func(q *kapivara.StreamQuery) { q.Limit = 1 }))
		if err != nil {
			t.Fatal(err)
		}
		want.Stream = s
		if fmt.Sprint(page.StreamState) != fmt.Sprint(want) {
			t.Errorf("got %+v, want %+v", page.StreamState, want)
		}
	}
	fill(t, anEvent(s, 3))
	check(kapivara.StreamState{Version: 3, Missing: []kapivara.Range{{From: 1, To: 2}}})
	fill(t, anEvent(s, 1))
	check(kapivara.StreamState{Version: 3, Contiguous: 1, Missing: []kapivara.Range{{From: 2, To: 2}}})
	fill(t, anEvent(s, 9, final), anEvent(s, 6))
	check(kapivara.StreamState{Version: 9, Contiguous: 1, Finish: 9, Missing: []kapivara.Range{{From: 2, To: 2}, {From: 4, To: 5}, {From: 7, To: 8}}})
	for _, p := range []int{7, 4, 5, 8} {
		fill(t, anEvent(s, p))
	}
	check(kapivara.StreamState{Version: 9, Contiguous: 1, Finish: 9, Missing: []kapivara.Range{{From: 2, To: 2}}})
	fill(t, anEvent(s, 2))
	check(kapivara.StreamState{Version: 9, Contiguous: 9, Finish: 9})

	const long = "a/b/c/long"
	for p := 1; p <= 2*kapivara.MaxRanges+9; p++ {
		fill(t, anEvent(long, 2*p))
	}
	page, err := store.Stream(t.Context(), streamQuery(long))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(page.Missing); n != kapivara.MaxRanges || page.Missing[n-1] != (kapivara.Range{From: 2*n - 1, To: 2*n - 1}) {
		t.Errorf("%d missing ranges, the last is %v; want the first %d", n, page.Missing[n-1], kapivara.MaxRanges)
	}
}

func readerWeight(t *testing.T, store reader.Events, fill Fill) {
	for i := 1; i <= 6; i++ {
		fill(t, anEvent("a/b/c/1", i, func(e *kapivara.Event) { e.Data = []byte(`"` + string(bytes.Repeat([]byte("x"), 10_000)) + `"`) }))
	}
	for bytes, want := range map[int]int{1: 1, 10_000: 1, 25_000: 3, 1 << 20: 6} {
		page, err := store.Stream(t.Context(), streamQuery("a/b/c/1", func(q *kapivara.StreamQuery) { q.Bytes = bytes }))
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Events) != want || page.More != (want < 6) {
			t.Errorf("%d bytes: a stream's page has %d events, more %v; want %d", bytes, len(page.Events), page.More, want)
		}
		for _, streams := range []kapivara.Filter{nil, {"a/b/*"}} {
			page, err := store.Log(t.Context(), kapivara.LogQuery{Limit: 100, Bytes: bytes, Streams: streams})
			if err != nil {
				t.Fatal(err)
			}
			if len(page.Events) != want || page.Next != int64(want) || page.More() != (want < 6) {
				t.Errorf("%d bytes: the log's page has %d events, next %d; want %d", bytes, len(page.Events), page.Next, want)
			}
		}
	}
}

func readerTimes(t *testing.T, store reader.Events, fill Fill) {
	start := time.Date(2026, 5, 1, 12, 0, 0, 123456000, time.UTC)
	at := func(i int) time.Time { return start.Add(time.Duration(i) * time.Hour) }
	for i := 1; i <= 5; i++ {
		fill(t, anEvent("a/b/c/1", i, recordedAt(at(i))))
	}
	page, err := store.Stream(t.Context(), streamQuery("a/b/c/1", func(q *kapivara.StreamQuery) { q.Since, q.Until = at(2), at(4) }))
	if err != nil {
		t.Fatal(err)
	}
	if got := positions(page.Events); !slices.Equal(got, []int{2, 3, 4}) {
		t.Errorf("the stream gives %v, want 2 to 4", got)
	}
	if got := page.Events[0].Recorded; !got.Equal(at(2)) {
		t.Errorf("recorded %v, want %v", got, at(2))
	}
	log, err := store.Log(t.Context(), kapivara.LogQuery{Limit: 10, Bytes: 1 << 20, Since: at(2), Until: at(4)})
	if err != nil {
		t.Fatal(err)
	}
	if got := positions(log.Events); !slices.Equal(got, []int{2, 3, 4}) || log.Next != 5 || log.More() {
		t.Errorf("the log gives %v, next %d; want 2 to 4 and to have looked up to 5", got, log.Next)
	}
}
