package porttest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/reader"
)

func logPositions(events []kapivara.Event) []int64 {
	list := []int64{}
	for i := range events {
		list = append(list, events[i].LogPosition)
	}
	return list
}

func readerLog(t *testing.T, store reader.Events, fill Fill) {
	page, err := store.Log(t.Context(), kapivara.LogQuery{Limit: 10, Bytes: 1 << 20})
	if err != nil || page.Head != 0 || page.Next != 0 || page.More() || len(page.Events) > 0 {
		t.Errorf("the empty log gives %+v, %v", page, err)
	}
	for i := 1; i <= 9; i++ {
		fill(t, anEvent(kapivara.Stream(fmt.Sprintf("a/b/c/%d", i%3)), i))
	}
	for _, c := range []struct {
		name string
		q    kapivara.LogQuery
		want []int64
		next int64
		more bool
	}{
		{"from the beginning", kapivara.LogQuery{Limit: 4}, []int64{1, 2, 3, 4}, 4, true},
		{"to the end", kapivara.LogQuery{After: 4, Limit: 100}, []int64{5, 6, 7, 8, 9}, 9, false},
		{"at the end", kapivara.LogQuery{After: 9, Limit: 4}, []int64{}, 9, false},
		{"beyond the end", kapivara.LogQuery{After: 12, Limit: 4}, []int64{}, 12, false},
		{"from the end backward", kapivara.LogQuery{Backward: true, Limit: 2}, []int64{9, 8}, 8, true},
		{"backward", kapivara.LogQuery{Backward: true, After: 4, Limit: 2}, []int64{3, 2}, 2, true},
		{"to the beginning", kapivara.LogQuery{Backward: true, After: 3, Limit: 9}, []int64{2, 1}, 1, false},
		{"below the beginning", kapivara.LogQuery{Backward: true, After: 1, Limit: 9}, []int64{}, 1, false},
	} {
		for _, filter := range []kapivara.Filter{nil, {"a/b/c/*"}} { // with a filter that all fits the same is found
			c.q.Bytes, c.q.Streams = 1<<20, filter
			page, err := store.Log(t.Context(), c.q)
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			if got := logPositions(page.Events); !slices.Equal(got, c.want) || page.Next != c.next || page.More() != c.more || page.Head != 9 {
				t.Errorf("%s, filter %v: got %v, head %d, next %d, more %v; want %v, 9, %d, %v",
					c.name, filter, got, page.Head, page.Next, page.More(), c.want, c.next, c.more)
			}
		}
	}
}

// readerFilters follows the log with many filters, in small pages and both ways, and compares with the rule itself.
func readerFilters(t *testing.T, store reader.Events, fill Fill) {
	types := []string{"order.placed", "order.paid", "invoice.sent", "o'rder_100%", `back\slash`}
	var all []kapivara.Event
	start := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	for i := 1; i <= 60; i++ {
		s := kapivara.Stream(fmt.Sprintf("%s/b/c/%d", []string{"a", "ab", "shop"}[i%3], i%7))
		all = append(all, anEvent(s, i, ofType(types[i%5], []string{"clerk", "cashier"}[i%2]), recordedAt(start.Add(time.Duration(i)*time.Minute))))
	}
	fill(t, all...)
	for i := range all {
		all[i].LogPosition = int64(i + 1)
	}
	for i, q := range []kapivara.LogQuery{
		{Context: "a"},
		{Context: "ab"},
		{Context: "none"},
		{Types: kapivara.Filter{"order.*"}},
		{Types: kapivara.Filter{"order.paid", "invoice.sent"}},
		{Types: kapivara.Filter{"order.pai"}},
		{Types: kapivara.Filter{"o'rder_100%", "order_*"}},
		{Types: kapivara.Filter{`back\slash`, `back\*`}},
		{Types: kapivara.Filter{"*"}},
		{Publishers: kapivara.Filter{"cash*"}},
		{Publishers: kapivara.Filter{"clerk"}, Context: "a"},
		{Streams: kapivara.Filter{"a/b/c/1", "shop/*"}},
		{Streams: kapivara.Filter{"a*"}},
		{Streams: kapivara.Filter{"?", "a/b/c/1?*"}},
		{Since: start.Add(20 * time.Minute), Types: kapivara.Filter{"order.*"}, Until: start.Add(40 * time.Minute)},
	} {
		for _, backward := range []bool{false, true} {
			q.Limit, q.Bytes, q.Backward = 2, 1<<20, backward
			var want []int64
			for i := range all {
				if q.Fits(&all[i]) {
					want = append(want, all[i].LogPosition)
				}
			}
			if backward {
				slices.Reverse(want)
			}
			if got := readAll(t, store, q); !slices.Equal(got, want) {
				t.Errorf("query %d, backward %v: got %v, want %v", i, backward, got, want)
			}
		}
	}
}

func readAll(t *testing.T, store reader.Events, q kapivara.LogQuery) []int64 {
	var got []int64
	for range 1000 {
		page, err := store.Log(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, logPositions(page.Events)...)
		if !page.More() {
			return got
		}
		if page.Next == q.After {
			t.Fatalf("the log does not go on: %+v", page)
		}
		q.After = page.Next
	}
	t.Fatal("the log has no end")
	return nil
}

func streamNames(page kapivara.StreamsPage) []string {
	names := []string{}
	for _, s := range page.Streams {
		names = append(names, string(s.Stream))
	}
	return names
}

func readerStreams(t *testing.T, store reader.Events, fill Fill) {
	names := []string{"a/b/c/1", "a/b/c/1 2", "a/b/c/10", "a/b/c/2", "a/b/d/~x", "a/b/d/~y", "ab/b/c/1", "ab/b/c/ü"}
	for i := len(names) - 1; i >= 0; i-- {
		fill(t, anEvent(kapivara.Stream(names[i]), 1))
	}
	for _, c := range []struct {
		q    kapivara.StreamsQuery
		want []string
	}{
		{kapivara.StreamsQuery{}, names},
		{kapivara.StreamsQuery{Context: "a"}, names[:6]},
		{kapivara.StreamsQuery{Context: "ab"}, names[6:]},
		{kapivara.StreamsQuery{Prefix: "a/b/c/1"}, names[:3]},
		{kapivara.StreamsQuery{Prefix: "a/b/d/~"}, names[4:6]},
		{kapivara.StreamsQuery{Prefix: "ab/b/c/ü"}, names[7:]},
		{kapivara.StreamsQuery{Prefix: "a", Context: "ab"}, names[6:]},
		{kapivara.StreamsQuery{Prefix: "a/b/c/1%"}, nil},
	} {
		c.q.Limit = 2
		var got []string
		for range 10 {
			page, err := store.Streams(t.Context(), c.q)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, streamNames(page)...)
			if c.q.After = page.Next; page.Next == "" {
				break
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("context %q, prefix %q: got %q, want %q", c.q.Context, c.q.Prefix, got, c.want)
		}
	}
}

func readerStreamsState(t *testing.T, store reader.Events, fill Fill) {
	old, older := time.Now().Add(-48*time.Hour).UTC().Truncate(time.Microsecond), time.Now().Add(-72*time.Hour)
	fill(t,
		anEvent("a/b/c/done", 2, final, recordedAt(older)), anEvent("a/b/c/done", 1, recordedAt(old)),
		anEvent("a/b/c/holes", 4, final), anEvent("a/b/c/holes", 2),
		anEvent("a/b/c/idle", 1, recordedAt(older)), anEvent("a/b/c/idle", 2, recordedAt(old)),
		anEvent("a/b/c/open", 1, recordedAt(old)), anEvent("a/b/c/open", 2),
	)
	for _, c := range []struct {
		q    kapivara.StreamsQuery
		want string
	}{
		{kapivara.StreamsQuery{State: kapivara.Open}, "[a/b/c/holes a/b/c/idle a/b/c/open]"},
		{kapivara.StreamsQuery{State: kapivara.Complete}, "[a/b/c/done]"},
		{kapivara.StreamsQuery{Holes: true}, "[a/b/c/holes]"},
		{kapivara.StreamsQuery{Idle: 24 * time.Hour}, "[a/b/c/done a/b/c/idle]"},
		{kapivara.StreamsQuery{Idle: 24 * time.Hour, State: kapivara.Open}, "[a/b/c/idle]"},
		{kapivara.StreamsQuery{Idle: 96 * time.Hour}, "[]"},
	} {
		c.q.Limit = 100
		page, err := store.Streams(t.Context(), c.q)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(streamNames(page)); got != c.want || page.Next != "" {
			t.Errorf("%+v: got %s, next %q; want %s", c.q, got, page.Next, c.want)
		}
	}
	page, err := store.Streams(t.Context(), kapivara.StreamsQuery{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	done, holes := page.Streams[0], page.Streams[1]
	if !done.Complete() || done.Version != 2 || !done.LastRecorded.Equal(old) {
		t.Errorf("the complete stream is %+v, want last recorded %v", done, old)
	}
	if fmt.Sprint(holes.Missing) != "[{1 1} {3 3}]" || holes.Complete() || holes.Finish != 4 {
		t.Errorf("the stream with holes is %+v", holes)
	}
}
