package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"kapivara/pkg/kapivara"
)

func TestReadRequestsHaveTheirDefaults(t *testing.T) {
	t.Parallel()
	stream, err := DecodeReadStream("_", []byte(`{"stream":"a/b/c/1","to":null}`))
	if want := (kapivara.StreamQuery{Stream: "a/b/c/1", From: 1, Limit: 100}); err != nil || stream != want {
		t.Errorf("stream: got %+v, %v, want %+v", stream, err, want)
	}
	log, wait, err := DecodeReadLog("lending", nil)
	if err != nil || wait != 0 || log.Context != "lending" || log.Limit != 100 || log.After != 0 || log.Types != nil || log.Backward {
		t.Errorf("log: got %+v, %v, %v", log, wait, err)
	}
	streams, err := DecodeReadStreams("_", []byte(` {} `))
	if err != nil || streams != (kapivara.StreamsQuery{Limit: 100}) {
		t.Errorf("streams: got %+v, %v", streams, err)
	}
	subscriber, err := DecodeReadSubscriber("billing", nil)
	if err != nil || subscriber != (kapivara.DeliveriesQuery{Subscriber: "billing", Limit: 100}) {
		t.Errorf("subscriber: got %+v, %v", subscriber, err)
	}
	delivery, err := DecodeReadDelivery("billing", []byte(`{"bucket":"canary-1","number":7}`))
	if err != nil || delivery != (kapivara.DeliveryQuery{Subscriber: "billing", Bucket: -2, Number: 7, Limit: 100}) {
		t.Errorf("delivery: got %+v, %v", delivery, err)
	}
}

func TestReadRequestsSayAllTheyCan(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 24, 8, 0, 0, 500e6, time.UTC)
	stream, err := DecodeReadStream("a", []byte(`{"stream":"a/b/c/1","from":3,"to":9,"limit":7,"backward":true,"since":"2026-11-24T08:00:00.5Z","until":"2026-11-24T09:00:00.5+01:00"}`))
	if err != nil || stream.From != 3 || stream.To != 9 || stream.Limit != 7 || !stream.Backward || !stream.Since.Equal(at) || !stream.Until.Equal(at) {
		t.Errorf("stream: got %+v, %v", stream, err)
	}
	log, wait, err := DecodeReadLog("_", []byte(`{"after":12,"limit":10000,"wait":"1500ms","types":["a.*"],"streams":["a/b/*","x"],"publishers":["p"]}`))
	if err != nil || wait != 1500*time.Millisecond || fmt.Sprint(log.Types, log.Streams, log.Publishers) != "[a.*] [a/b/* x] [p]" || log.After != 12 || log.Context != "" {
		t.Errorf("log: got %+v, %v, %v", log, wait, err)
	}
	streams, err := DecodeReadStreams("a", []byte(`{"prefix":"a/b","state":"open","idle":"24h","holes":true,"limit":5}`))
	if err != nil || streams != (kapivara.StreamsQuery{Context: "a", Prefix: "a/b", State: kapivara.Open, Idle: 24 * time.Hour, Holes: true, Limit: 5}) {
		t.Errorf("streams: got %+v, %v", streams, err)
	}
	s, name, err := DecodeReadExplain("a", []byte(`{"stream":"a/b/c/1","subscriber":"billing"}`))
	if err != nil || s != "a/b/c/1" || name != "billing" {
		t.Errorf("explain: got %q, %q, %v", s, name, err)
	}
}

func TestReadRequestsAreRefusedAtTheirField(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ verb, last, body, path, says string }{
		{"event", "_", `{}`, "id", "missing"},
		{"event", "_", `{"id":"a","more":1}`, "more", "unknown"},
		{"event", "Up", `{"id":"a"}`, "", "context"},
		{"stream", "a", `{}`, "stream", "missing"},
		{"stream", "a", `{"stream":"a/b"}`, "stream", "parts"},
		{"stream", "a", `{"stream":"b/b/c/1"}`, "stream", "kapivara.v1.read.stream.b"},
		{"stream", "a", `{"stream":"a/b/c/1","to":0}`, "to", "1 to"},
		{"stream", "a", `{"stream":"a/b/c/1","since":"yesterday"}`, "since", "RFC 3339"},
		{"stream", "a", `{"stream":"a/b/c/1","until":"2026-11-24 08:00:00Z"}`, "until", "RFC 3339"},
		{"stream", "a", `{"stream":"a/b/c/1","cursor":"!"}`, "cursor", "next"},
		{"stream", "a", `{"stream":"a/b/c/1","cursor":"czA"}`, "cursor", "next"},
		{"stream", "a", `{"stream":"a/b/c/1","from":"1"}`, "from", ""},
		{"log", "a", `{"wait":"5"}`, "wait", "duration"},
		{"log", "a", `{"streams":["a/*","b/x"]}`, "streams", "kapivara.v1.read.log.b"},
		{"log", "a", `{"after":1,"after":2}`, "after", "twice"},
		{"streams", "a", `{"prefix":"b/"}`, "prefix", "kapivara.v1.read.streams.b"},
		{"streams", "a", `{"prefix":"a\u0000"}`, "prefix", "control"},
		{"streams", "a", `{"idle":"x"}`, "idle", "duration"},
		{"streams", "a", `{"state":""}`, "state", "open"},
		{"explain", "a", `{"stream":"a/b/c/1","subscriber":"*"}`, "subscriber", "use"},
		{"bucket", "billing", `{}`, "bucket", "missing"},
		{"bucket", "billing", `{"bucket":"-1"}`, "bucket", "canary"},
		{"bucket", "bil>ing", `{"bucket":"1"}`, "", "subscriber"},
		{"subscriber", "billing", `{"cursor":"ZTE"}`, "cursor", "next"},
		{"delivery", "billing", `{"bucket":"1","number":1,"from":0}`, "from", "position"},
		{"last-committed", "billing", `{"bucket":1}`, "bucket", ""},
	} {
		var refusal *kapivara.Error
		err := decodeVerb(c.verb, c.last, []byte(c.body))
		if !errors.As(err, &refusal) || refusal.Code != kapivara.InvalidRequest || refusal.Facts.Path != c.path || !strings.Contains(refusal.Message, c.says) {
			t.Errorf("%s.%s %s: got %v, want invalid_request at %q that says %q", c.verb, c.last, c.body, err, c.path, c.says)
		}
	}
}

func decodeVerb(verb, last string, body []byte) (err error) {
	switch verb {
	case "event":
		_, _, err = DecodeReadEvent(last, body)
	case "stream":
		_, err = DecodeReadStream(last, body)
	case "log":
		_, _, err = DecodeReadLog(last, body)
	case "streams":
		_, err = DecodeReadStreams(last, body)
	case "explain":
		_, _, err = DecodeReadExplain(last, body)
	case "bucket":
		_, err = DecodeReadBucket(last, body)
	case "subscriber":
		_, err = DecodeReadSubscriber(last, body)
	case "delivery":
		_, err = DecodeReadDelivery(last, body)
	case "last-committed":
		_, err = DecodeReadLastCommitted(last, body)
	}
	return err
}

// heavy are events of so many bytes each.
func heavy(n, size int) []kapivara.Event {
	events := make([]kapivara.Event, n)
	for i := range events {
		e := &events[i]
		e.Stream, e.Publisher, e.LogPosition = "a/b/c/1", "p", int64(i+11)
		e.ID, e.Type, e.Position, e.Kind = kapivara.EventID(fmt.Sprint(i)), "t", i+1, kapivara.JSONData
		e.Data = []byte(`"` + strings.Repeat("x", size) + `"`)
	}
	return events
}

type readReply struct {
	Events     []json.RawMessage
	Streams    []struct{ Stream string }
	Deliveries []struct{ Number int64 }
	Next       any
	Head       int64
	More       bool
}

func readBack(t *testing.T, body []byte, most int) (r readReply) {
	t.Helper()
	if len(body) > most {
		t.Errorf("a page of %d bytes, at most %d are allowed", len(body), most)
	}
	if err := json.Unmarshal(body, &r); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return r
}

func TestAPageIsCutAtItsBytes(t *testing.T) {
	t.Parallel()
	const most = 8000
	events := heavy(10, 2000)
	stream := kapivara.StreamPage{EventPage: kapivara.EventPage{Events: events}}
	page := readBack(t, AppendStreamPage(nil, &stream, most), most)
	next := page.Next.(string)
	if after, err := positionCursor(&next); err != nil || len(page.Events) != 3 || after != 3 {
		t.Errorf("the stream's page has %d events and goes on after %d, %v", len(page.Events), after, err)
	}
	log := kapivara.LogPage{Events: events, Head: 20, Next: 20}
	if page := readBack(t, AppendLogPage(nil, &log, most), most); len(page.Events) != 3 || page.Next != 13.0 || !page.More || page.Head != 20 {
		t.Errorf("the log's page is %+v", page)
	}
	var streams kapivara.StreamsPage
	for i := range 100 {
		streams.Streams = append(streams.Streams, kapivara.StreamState{Stream: kapivara.Stream(fmt.Sprintf("a/b/c/%03d", i)), Version: 1})
	}
	list := readBack(t, AppendStreamsPage(nil, &streams, most), most)
	next = list.Next.(string)
	if after, err := streamCursor(&next); err != nil || string(after) != list.Streams[len(list.Streams)-1].Stream || len(list.Streams) < 10 {
		t.Errorf("the list has %d streams and goes on after %s, %v", len(list.Streams), after, err)
	}
	var rows kapivara.DeliveriesPage
	for i := range 100 {
		rows.Rows = append(rows.Rows, kapivara.DeliveryRow{Bucket: -3, Number: int64(i + 1), State: kapivara.Pending})
	}
	deliveries := readBack(t, AppendDeliveriesPage(nil, &rows, most), most)
	next = deliveries.Next.(string)
	mark, err := markCursor(&next)
	if want := (kapivara.DeliveryMark{Bucket: -3, Number: int64(len(deliveries.Deliveries))}); err != nil || mark != want || mark.Number < 10 {
		t.Errorf("the list of deliveries goes on behind %+v, %v; want %+v", mark, err, want)
	}
}

func TestAnEventLargerThanThePageComesAlone(t *testing.T) {
	t.Parallel()
	page := readBack(t, AppendEventPage(nil, &kapivara.EventPage{Events: heavy(2, 9000)}, 8000), 10_000)
	if len(page.Events) != 1 || page.Next == nil {
		t.Errorf("got %d events, next %v; want one and where to go on", len(page.Events), page.Next)
	}
}

func TestTheEndOfAListHasNoNext(t *testing.T) {
	t.Parallel()
	for name, body := range map[string][]byte{
		"events":     AppendEventPage(nil, &kapivara.EventPage{Events: heavy(2, 1)}, MaxReply),
		"no events":  AppendEventPage(nil, &kapivara.EventPage{}, MaxReply),
		"stream":     AppendStreamPage(nil, &kapivara.StreamPage{}, MaxReply),
		"streams":    AppendStreamsPage(nil, &kapivara.StreamsPage{}, MaxReply),
		"deliveries": AppendDeliveriesPage(nil, &kapivara.DeliveriesPage{}, MaxReply),
		"subscriber": AppendSubscriberPage(nil, &kapivara.SubscriberPage{}, MaxReply),
	} {
		if page := readBack(t, body, MaxReply); page.Next != nil || !bytes.HasSuffix(body, []byte(`"next":null}`)) {
			t.Errorf("%s: %s", name, body)
		}
	}
}

func TestReadReplyTexts(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
	state := kapivara.StreamState{
		Stream: "a/b/c/1", Version: 9, Contiguous: 2, Canary: true, Missing: []kapivara.Range{{From: 3, To: 3}, {From: 5, To: 8}}, LastRecorded: at,
	}
	const head = `"stream":"a/b/c/1","version":9,"contiguous":2,"finish":null,"complete":false,"canary":true,"missing":[[3,3],[5,8]]`
	got := string(AppendStreamsPage(nil, &kapivara.StreamsPage{Streams: []kapivara.StreamState{state}}, MaxReply))
	if want := `{"streams":[{` + head + `,"last_recorded":"2026-11-24T08:00:00.000000Z"}],"next":null}`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	text, err := AppendExplanation(nil, &kapivara.Explanation{StreamState: state, Subscribers: []kapivara.Reason{
		{Subscriber: "billing", Code: "not_finished", Why: "w", NextStep: "n", Bucket: 3},
		{Subscriber: "audit", State: kapivara.Leased, Code: "awaiting_answer", Why: "w", NextStep: "n", Bucket: -1, Number: 4, Attempt: 2, Until: at},
	}}, MaxReply)
	want := `{` + head + `,"subscribers":[` +
		`{"subscriber":"billing","state":null,"reason":"not_finished","why":"w","next_step":"n","bucket":"3","number":null,"attempt":null,"until":null,"committed":null},` +
		`{"subscriber":"audit","state":"leased","reason":"awaiting_answer","why":"w","next_step":"n","bucket":"canary-0","number":4,"attempt":2,"until":"2026-11-24T08:00:00.000000Z","committed":null}]}`
	if string(text) != want || err != nil {
		t.Errorf("got  %s, %v\nwant %s", text, err, want)
	}
	_, err = AppendExplanation(nil, &kapivara.Explanation{Subscribers: make([]kapivara.Reason, 100)}, 1000)
	var refusal *kapivara.Error
	if !errors.As(err, &refusal) || refusal.Code != kapivara.TooLarge {
		t.Errorf("got %v, want too_large", err)
	}
	listening := false
	page := kapivara.SubscriberPage{SubscriberState: kapivara.SubscriberState{
		Subscriber: kapivara.NewSubscriber("billing"),
		Standing:   kapivara.Standing{Listening: &listening, LastAnswer: at, ExtraAnswers: 2},
		Buckets:    []kapivara.BucketState{{Bucket: 1, Pending: 1, Leased: 2, Hidden: 3, Parked: 4, Committed: 5, Discarded: 6, Oldest: 1500 * time.Millisecond, LastNumber: 19}},
	}}
	const tail = `,"listening":false,"last_answer":"2026-11-24T08:00:00.000000Z","nobody_answers":null,"extra_answers":2,"moving":null,"buckets":[` +
		`{"bucket":"1","pending":1,"leased":2,"hidden":3,"parked":4,"committed":5,"discarded":6,"lag":6,"lag_seconds":1.500,"owner":null,"epoch":0,"last_number":19}],"deliveries":[],"next":null}`
	if got := string(AppendSubscriberPage(nil, &page, MaxReply)); !strings.HasSuffix(got, tail) || !strings.HasPrefix(got, `{"subscriber":{"name":"billing"`) {
		t.Errorf("got  %s\nwant … %s", got, tail)
	}
	page.Subscriber.Moving = &kapivara.Move{Subscriber: 7, Placed: 2000, Until: 10293}
	if got := string(AppendSubscriberPage(nil, &page, MaxReply)); !strings.Contains(got, `,"moving":{"placed":2000,"until":10293},"buckets":[`) {
		t.Errorf("while it moves got %s", got)
	}
}

func FuzzReadRequests(f *testing.F) {
	for _, verb := range []string{"event", "stream", "log", "streams", "explain", "bucket", "subscriber", "delivery", "last-committed"} {
		f.Add(verb, "a", []byte(`{"stream":"a/b/c/1","cursor":"ZTE","limit":1}`))
		f.Add(verb, "_", []byte(`{"bucket":"0","number":1,"cursor":"ZDAgMSAw","wait":"1s","since":"2026-11-24T08:00:00Z"}`))
	}
	f.Fuzz(func(t *testing.T, verb, last string, body []byte) {
		err := decodeVerb(verb, last, body)
		var refusal *kapivara.Error
		if err != nil && !errors.As(err, &refusal) {
			t.Errorf("got %v, want a refusal of the protocol", err)
		}
	})
}

func FuzzReadCursors(f *testing.F) {
	f.Add("ZTE")
	f.Add("c2EvYi9jLzE")
	f.Add("ZGNhbmFyeS0wIDAgNw")
	f.Fuzz(func(t *testing.T, text string) {
		if mark, err := markCursor(&text); err == nil && text != "" {
			var back string
			if err := json.Unmarshal(appendMark(nil, mark), &back); err != nil {
				t.Fatal(err)
			}
			if again, err := markCursor(&back); err != nil || again != mark {
				t.Errorf("%+v comes back as %+v, %v", mark, again, err)
			}
		}
		_, _ = positionCursor(&text)
		_, _ = streamCursor(&text)
	})
}

// The cursor of a list of deliveries keeps its place among those that were never leased, replays included.
func TestDeliveryCursorsRoundTrip(t *testing.T) {
	t.Parallel()
	for _, m := range []kapivara.DeliveryMark{
		{Bucket: 3, Number: 7}, {Bucket: -1, LogPosition: 12}, {Bucket: 0, LogPosition: 12, Replay: true},
	} {
		var cursor string
		if err := json.Unmarshal(appendMark(nil, m), &cursor); err != nil {
			t.Fatal(err)
		}
		if got, err := markCursor(&cursor); err != nil || got != m {
			t.Errorf("got %+v, %v; want %+v", got, err, m)
		}
	}
}
