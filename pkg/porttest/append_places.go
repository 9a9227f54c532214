package porttest

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"kapivara/pkg/kapivara"
)

// appendWant compares a reply.
func appendWant(t *testing.T, got, want *kapivara.AppendResult) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("reply %+v, want %+v", got, want)
	}
}

func appendPlaces(t *testing.T, a appendTest) {
	w := a.writer(t)
	stream := kapivara.Stream(appendStream("S"))
	appendWant(t, w.ok(t, appendExpect(kapivara.ExpectNew(), appendTo("S", appendEvent("a"), appendEvent("b")))), &kapivara.AppendResult{
		Stream: stream, Version: 2, Contiguous: 2,
		Events: []kapivara.Placed{{ID: "a", Position: 1, LogPosition: 1, Stored: true}, {ID: "b", Position: 2, LogPosition: 2, Stored: true}},
	})
	// Any order, gaps: log positions follow the request's order.
	appendWant(t, w.ok(t, appendExpect(kapivara.ExpectVersion(2), appendTo("S", appendAt(7, "g"), appendAt(4, "d")))), &kapivara.AppendResult{
		Stream: stream, Version: 7, Contiguous: 2,
		Events: []kapivara.Placed{{ID: "g", Position: 7, LogPosition: 3, Stored: true}, {ID: "d", Position: 4, LogPosition: 4, Stored: true}},
	})
	// Without positions the next ones are above the highest stored, whatever is missing.
	appendWant(t, w.ok(t, appendExpect(kapivara.ExpectExists(), appendTo("S", appendEvent("h")))), &kapivara.AppendResult{
		Stream: stream, Version: 8, Contiguous: 2,
		Events: []kapivara.Placed{{ID: "h", Position: 8, LogPosition: 5, Stored: true}},
	})
	appendWant(t, w.ok(t, appendTo("S", appendAt(3, "c"))), &kapivara.AppendResult{
		Stream: stream, Version: 8, Contiguous: 4, Events: []kapivara.Placed{{ID: "c", Position: 3, LogPosition: 6, Stored: true}},
	})
	appendWant(t, w.ok(t, appendTo("S", appendFinal(0, "i"))), &kapivara.AppendResult{
		Stream: stream, Version: 9, Contiguous: 4, Finish: 9,
		Events: []kapivara.Placed{{ID: "i", Position: 9, LogPosition: 7, Stored: true}},
	})
	appendWant(t, w.ok(t, appendTo("S", appendAt(6, "f"), appendAt(5, "e"))), &kapivara.AppendResult{
		Stream: stream, Version: 9, Contiguous: 9, Finish: 9, Complete: true,
		Events: []kapivara.Placed{{ID: "f", Position: 6, LogPosition: 8, Stored: true}, {ID: "e", Position: 5, LogPosition: 9, Stored: true}},
	})
	a.wantLog(t, 9)
}

func appendKeeps(t *testing.T, a appendTest) {
	w := a.writer(t)
	sent := []kapivara.NewEvent{
		{ID: "none", Type: "opened", Kind: kapivara.NoData},
		{ID: "null", Type: "opened", Kind: kapivara.JSONData, Data: []byte("null")},
		{ID: "bytes", Type: "opened", Kind: kapivara.BinaryData, Data: []byte{0, 255, 0, 1}},
		{ID: "empty", Type: "opened", Kind: kapivara.BinaryData, Data: []byte{}},
		{ID: "01234567890abcd", Type: "a type of 18 bytes", Kind: kapivara.JSONData, Data: []byte("{ \"a\" : 1.0,\n\t\"a\":1e2, \"\\u0000\":\"\\ud800\" }")},
		{
			ID: "018f0000-0000-7000-8000-0000000000ab", Type: "T02 Check confirmation ✓", Kind: kapivara.JSONData, Data: []byte("0.10"),
			Source: "urn:x", Time: "2024-02-29T23:59:59.123456789+01:00", Attributes: []byte(`"subject":"é\u0041","n":-7,"yes":true`),
		},
	}
	for i := range sent {
		w.ok(t, appendTo(fmt.Sprint("weird/id with spaces.and.dots/ü", i), sent[i]))
	}
	for i, e := range a.wantLog(t, len(sent)) {
		want := sent[i]
		want.Position = 1
		if want.Source == "" {
			want.Source = "/lending/loans/loans"
		}
		if !appendSameEvent(&e.NewEvent, &want) || e.Publisher != "loans" || e.Recorded.IsZero() ||
			e.Stream != kapivara.Stream(appendStream(fmt.Sprint("weird/id with spaces.and.dots/ü", i))) {
			t.Errorf("stored %+v, want %+v", e, want)
		}
	}
}

// appendSameEvent compares two events, nothing and no bytes being the same.
func appendSameEvent(x, y *kapivara.NewEvent) bool {
	a, b := *x, *y
	if string(a.Data) != string(b.Data) || string(a.Attributes) != string(b.Attributes) {
		return false
	}
	a.Data, b.Data, a.Attributes, b.Attributes = nil, nil, nil, nil
	return reflect.DeepEqual(a, b)
}

func appendMany(t *testing.T, a appendTest) {
	w := a.writer(t)
	const n = 400 // beyond the positions after which a stored head follows
	order := rand.New(rand.NewPCG(1, 2)).Perm(n)
	var ordered, shuffled *kapivara.AppendResult
	for from := 0; from < n; from += 20 {
		plain, mixed := appendTo("ordered"), appendTo("shuffled")
		for i := from; i < from+20; i++ {
			plain.Events = append(plain.Events, appendEvent(fmt.Sprint("o", i)))
			mixed.Events = append(mixed.Events, appendAt(order[i]+1, fmt.Sprint("s", order[i])))
		}
		ordered, shuffled = w.ok(t, plain), w.ok(t, mixed)
	}
	for _, r := range []*kapivara.AppendResult{ordered, shuffled} {
		if r.Version != n || r.Contiguous != n || r.Finish != 0 || r.Complete {
			t.Errorf("%s: version %d, contiguous %d, want %d", r.Stream, r.Version, r.Contiguous, n)
		}
	}
	a.wantLog(t, 2*n)
	cold := a.writer(t)
	for _, stream := range []string{"ordered", "shuffled"} {
		r := cold.ok(t, appendExpect(kapivara.ExpectVersion(n), appendTo(stream, appendFinal(0, stream))))
		if r.Version != n+1 || !r.Complete {
			t.Errorf("%s for a second writer: %+v", stream, r)
		}
	}
}

func appendManyStreams(t *testing.T, a appendTest) {
	const streams = 300
	w := a.idle(t)
	var answers []<-chan appendAnswer
	for i := range streams {
		answers = append(answers, w.begin(appendTo(fmt.Sprint("s", i), appendEvent(fmt.Sprint("a", i)), appendEvent(fmt.Sprint("b", i)))))
	}
	w.start(t)
	for i, answer := range answers {
		if got := <-answer; got.err != nil || got.Version != 2 {
			t.Fatalf("append %d: %+v", i, got)
		}
	}
	for i, e := range a.wantLog(t, 2*streams) {
		if want := kapivara.Stream(appendStream(fmt.Sprint("s", i/2))); e.Stream != want || e.Position != i%2+1 {
			t.Fatalf("log position %d is %s at %d, want %s: appends of one sender stand in their order", i+1, e.Stream, e.Position, want)
		}
	}
}

func appendCold(t *testing.T, a appendTest) {
	w := a.writer(t)
	// Every form of a head: holes, stretches above them, a finish without completion, a stored row that lags behind.
	yes := true
	w.ok(t, appendTo("holes", appendAt(2, "h2"), appendAt(3, "h3"), appendAt(6, "h6")))
	w.ok(t, appendTo("finish", appendAt(1, "f1"), appendFinal(4, "f4")))
	canary := appendTo("canary", appendEvent("c1"))
	canary.Canary = &yes
	w.ok(t, canary)
	for i := range 70 {
		w.ok(t, appendTo("lags", appendEvent(fmt.Sprint("l", i))))
	}
	cold := a.writer(t)
	if r := cold.ok(t, appendTo("holes", appendAt(1, "h1"))); r.Version != 6 || r.Contiguous != 3 {
		t.Errorf("holes: %+v", r)
	}
	if r := cold.ok(t, appendTo("finish", appendAt(2, "f2"), appendAt(3, "f3"))); !r.Complete || r.Finish != 4 || r.Version != 4 {
		t.Errorf("finish: %+v", r)
	}
	if r := cold.ok(t, appendTo("lags", appendEvent("l70"))); r.Version != 71 || r.Contiguous != 71 {
		t.Errorf("lags: %+v", r)
	}
	no := false
	canary = appendTo("canary", appendEvent("c2"))
	canary.Canary = &no
	cold.refused(t, canary, kapivara.CanaryMismatch, kapivara.Facts{Stream: appendStream("canary")})
	a.wantLog(t, 3+2+1+70+1+2+1)
}
