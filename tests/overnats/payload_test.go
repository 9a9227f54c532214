package overnats_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"kapivara/pkg/client"
	"kapivara/pkg/kapivara"
	"kapivara/pkg/wire"
)

// maxPayload is nats-server's default: of headers and body together.
const maxPayload = 1 << 20

// quotes is a JSON string of exactly so many bytes, nearly all of them escaped quotes.
func quotes(size int) []byte {
	text := `"` + strings.Repeat(`\"`, (size-2)/2)
	if size%2 == 1 {
		text += "x"
	}
	return []byte(text + `"`)
}

// heavy are events at the limits of their data and attributes, of texts that grow where they are escaped or encoded.
func heavy(t *testing.T) []client.NewEvent {
	limits := wire.DefaultLimits()
	random := make([]byte, limits.Data)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(random)
	events := []client.NewEvent{
		{Kind: client.JSONData, Data: quotes(limits.Data)},
		{Kind: client.BinaryData, Data: random},
		{Kind: client.JSONData, Data: []byte(`"` + strings.Repeat("\u2028", (limits.Data-2)/3) + `"`)},
		{Kind: client.JSONData, Data: []byte("[ " + strings.Repeat("0,", limits.Data/2-2) + "0]")},
	}
	for i := range events {
		e := &events[i]
		e.ID = client.EventID(fmt.Sprint(i) + strings.Repeat(`"`, kapivara.MaxEventID-1))
		e.Type = strings.Repeat(`\`, kapivara.MaxEventType)
		e.Source = strings.Repeat(`\"`, 2000)
		e.Final = i == len(events)-1
		e.Time = "2026-01-02T03:04:05.678901234+01:00"
		fill(t, e, limits.Attributes)
	}
	return events
}

// fill gives the event a traceparent that brings its attributes to exactly so many bytes as they are sent.
func fill(t *testing.T, e *client.NewEvent, size int) {
	t.Helper()
	bare := *e
	bare.Kind, bare.Data = client.NoData, nil
	one := client.Append{Stream: "a/b/c/d", Events: []client.NewEvent{bare}}
	l := wire.DefaultLimits()
	for _, missing := range []int{size, 0} { // measured by the refusal of none at all, then held to be exact
		l.Attributes = size - 1 - missing
		one.Events[0].Attributes = e.Attributes
		_, err := wire.DecodeAppend(wire.EncodeAppend(nil, &one), l)
		var refusal *kapivara.Error
		if !errors.As(err, &refusal) || refusal.Facts.Size == nil {
			t.Fatalf("measure: %v", err)
		}
		rest := size - *refusal.Facts.Size - len("traceparent") - len(`""`)
		if missing > 0 {
			e.Attributes = []byte(`"traceparent":"` + strings.Repeat("é", rest/2) + strings.Repeat("x", rest%2) + `"`)
		} else if *refusal.Facts.Size != size {
			t.Fatalf("the attributes take %d bytes, want %d", *refusal.Facts.Size, size)
		}
	}
}

// longest is a stream with the longest name, which doubles where it is escaped.
func longest() client.Stream {
	part := func(letter string) string { return strings.Repeat(letter, kapivara.MaxToken) + "/" }
	return client.Stream(part("c") + part("s") + part("t") + strings.Repeat(`"\`, kapivara.MaxStreamID/2))
}

func TestWhatIsStoredAtTheLimitsIsReadShownAndDelivered(t *testing.T) {
	t.Parallel()
	b := start(t, nil)
	seen := listen(t, b.nats, "kapivara.v1.watch.log.>")
	pushed := listenInGroup(t, b.nats, "billing")
	b.set(t, "billing", client.SubscriberPatch{Buckets: to(1)})
	sent := heavy(t)
	publisher := strings.Repeat("p", kapivara.MaxToken)
	for i := range sent {
		if _, err := b.Append(t.Context(), publisher, client.Append{Stream: longest(), Events: sent[i : i+1]}); err != nil {
			t.Fatalf("event %d: %v", i, err)
		}
		shown, err := wire.DecodeEvent(next(t, seen, "notice").Data)
		same(t, "shown", &sent[i], &shown, err)
		read, err := b.Event(t.Context(), longest().Context(), sent[i].ID)
		same(t, "read", &sent[i], &read, err)
	}
	at := 0
	for e, err := range b.Read(t.Context(), client.StreamQuery{Stream: longest()}) {
		same(t, "of the stream", &sent[at], &e, err)
		at++
	}
	page, err := b.Log(t.Context(), client.LogQuery{Limit: 10})
	if err != nil || len(page.Events) != 1 || page.Next != 1 || !page.More {
		t.Errorf("a page of the log has %d events, next %d, %v; want one", len(page.Events), page.Next, err)
	}
	m := next(t, pushed, "delivery")
	if d, elsewhere, err := wire.DecodeDelivery(m.Data); err != nil || elsewhere == nil || d.Events != nil || m.Size() > maxPayload {
		t.Errorf("the delivery is %.300s, %v; want it by reference", m.Data, err)
	}
	if _, err := b.Request(t.Context(), m.Reply, []byte("+ACK")); err != nil {
		t.Fatal(err)
	}
	last, err := b.LastCommitted(t.Context(), "billing", "0")
	if err != nil {
		t.Fatal(err)
	}
	delivered := whole(t, last)
	if len(delivered) != len(sent) || at != len(sent) {
		t.Fatalf("committed %+v, read %d events, %v", last, at, err)
	}
	for i := range sent {
		same(t, "delivered", &sent[i], &delivered[i], nil)
	}
}

// same holds an event that came back to what was sent.
func same(t *testing.T, how string, sent *client.NewEvent, came *client.Event, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", how, err)
	}
	if came.ID != sent.ID || came.Type != sent.Type || came.Source != sent.Source || came.Time != sent.Time ||
		!bytes.Equal(asStored(*came).Attributes, sent.Attributes) {
		t.Errorf("%s: id %.20s, type %.20s, source %.20s, time %s, %d bytes of attributes", how, came.ID, came.Type, came.Source, came.Time, len(came.Attributes))
	}
	if !came.SameData(sent.Kind, sent.Data) {
		t.Errorf("%s: %d bytes of data, sha256 %x; want %d bytes", how, len(came.Data), sha256.Sum256(came.Data), len(sent.Data))
	}
}

// listenInGroup is a node without the SDK.
func listenInGroup(t *testing.T, url, subscriber string) <-chan *nats.Msg {
	t.Helper()
	c := connect(t, url)
	got := make(chan *nats.Msg, 64)
	if _, err := c.Conn().ChanQueueSubscribe("kapivara.v1.bucket."+subscriber+".*", subscriber, got); err != nil {
		t.Fatal(err)
	}
	if err := c.Conn().Flush(); err != nil {
		t.Fatal(err)
	}
	return got
}

func TestTheLargestRequestIsStored(t *testing.T) {
	t.Parallel()
	b := start(t, nil)
	limit := wire.DefaultLimits().Request
	a := client.Append{Stream: longest(), Events: []client.NewEvent{
		{ID: "a", Type: "t", Kind: client.JSONData, Data: quotes(500 << 10)},
		{ID: "b", Type: "t", Kind: client.JSONData, Data: quotes(2)},
	}}
	a.Events[1].Data = quotes(2 + limit - len(wire.EncodeAppend(nil, &a)))
	body := wire.EncodeAppend(nil, &a)
	if len(body) != limit {
		t.Fatalf("the request has %d bytes", len(body))
	}
	_, err := b.Request(t.Context(), wire.Append("clerk"), append(body[:limit:limit], ' '))
	if refusal := refusalOf(err); refusal == nil || refusal.Code != client.TooLarge || *refusal.Facts.Limit != limit || *refusal.Facts.Size != limit+1 {
		t.Errorf("a byte more: %v", err)
	}
	if result, err := b.Append(t.Context(), "clerk", a); err != nil || result.Version != 2 || result.Events[1].LogPosition != 2 {
		t.Fatalf("%+v, %v", result, err)
	}
	at := 0
	for e, err := range b.Read(t.Context(), client.StreamQuery{Stream: longest()}) {
		if err != nil || !bytes.Equal(e.Data, a.Events[at].Data) {
			t.Errorf("event %d: %d bytes, %v", at, len(e.Data), err)
		}
		at++
	}
	if at != 2 {
		t.Errorf("%d events", at)
	}
	// What the server itself would refuse is refused without sending it.
	a.Events[1].Data = quotes(maxPayload)
	if _, err := b.Append(t.Context(), "clerk", a); client.CodeOf(err) != client.TooLarge {
		t.Errorf("beyond max_payload: %v", err)
	}
}

func refusalOf(err error) *client.Error {
	var refusal *client.Error
	errors.As(err, &refusal)
	return refusal
}

// TestDeliveriesAroundTheLimit has streams that weigh a little less and a little more than fits into one message.
func TestDeliveriesAroundTheLimit(t *testing.T) {
	t.Parallel()
	b := start(t, nil)
	b.set(t, "billing", client.SubscriberPatch{Buckets: to(1)})
	got := make(chan *client.Delivery, 10)
	b.subscribe(t, "billing", func(_ context.Context, d *client.Delivery) error { got <- d; return nil })
	const half = 490 << 10
	byReference := 0
	for i, more := range []int{0, 12 << 10, 16 << 10, 19 << 10, 35 << 10, 60 << 10} { // on top of 980 KiB
		stream := fmt.Sprint("shop/web/order/", i)
		first := event(fmt.Sprint("a", i), false)
		first.Data = quotes(half)
		first.Attributes = []byte(`"traceparent":"` + strings.Repeat("%", 2000) + `"`)
		last := event(fmt.Sprint("b", i), true)
		last.Data = []byte(`"` + strings.Repeat("é", min(half+more, 512<<10)/2-1) + `"`)
		rest := event(fmt.Sprint("c", i), false)
		rest.Data = quotes(2 + max(half+more-512<<10, 0))
		b.append(t, stream, first, rest)
		b.append(t, stream, last)
		d := next(t, got, "delivery")
		if events := whole(t, d); len(events) != 3 || !bytes.Equal(events[0].Data, first.Data) || !bytes.Equal(events[2].Data, last.Data) {
			t.Errorf("%d on top: %d events", more, len(events))
		}
		if size := len(d.Raw); size < 1000 {
			byReference++
		} else if size > wire.MaxReply {
			t.Errorf("%d on top: a delivery of %d bytes", more, size)
		}
	}
	if byReference < 2 || byReference > 4 {
		t.Errorf("%d of 6 deliveries went by reference, want some of them", byReference)
	}
}

func TestAThousandEventsAreOneRequestOneReplyAndOneDelivery(t *testing.T) {
	t.Parallel()
	b := start(t, nil)
	b.set(t, "billing", client.SubscriberPatch{Buckets: to(1)})
	got := make(chan *client.Delivery, 1)
	b.subscribe(t, "billing", func(_ context.Context, d *client.Delivery) error { got <- d; return nil })
	a := client.Append{Stream: longest()}
	for i := range kapivara.MaxEvents {
		id := fmt.Sprintf("%04d", i) + strings.Repeat(`"`, kapivara.MaxEventID-4)
		e := event("x", i == kapivara.MaxEvents-1)
		e.ID, e.Type, e.Attributes = client.EventID(id), strings.Repeat(`\`, 150), []byte(`"subject":"`+strings.Repeat("s", 150)+`"`)
		a.Events = append(a.Events, e)
	}
	result, err := b.Append(t.Context(), "clerk", a)
	if err != nil || !result.Complete || len(result.Events) != len(a.Events) {
		t.Fatalf("%d events, %v", len(result.Events), err)
	}
	events := whole(t, next(t, got, "delivery"))
	if len(events) != len(a.Events) {
		t.Fatalf("the delivery has %d events", len(events))
	}
	for i := range events {
		if events[i].ID != a.Events[i].ID || events[i].Position != i+1 {
			t.Fatalf("event %d is %s at %d", i, events[i].ID, events[i].Position)
		}
	}
}

// whole reads the events of a delivery, wherever they are.
func whole(t *testing.T, d *client.Delivery) []client.Event {
	t.Helper()
	events, err := d.All(t.Context())
	if err != nil {
		t.Fatalf("read the events: %v", err)
	}
	return events
}
