package golden_test

import (
	"testing"
	"time"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/wire"
)

func reads(t *testing.T) []golden {
	t.Helper()
	state := kapivara.StreamState{Stream: stream, Version: 7, Contiguous: 2, Finish: 7, Canary: true, Missing: []kapivara.Range{{From: 3, To: 3}, {From: 5, To: 6}}}
	listed := state
	listed.LastRecorded = recorded
	events := kapivara.EventPage{Events: []kapivara.Event{*withJSON(), *withBinary()}, More: true}
	explanation, err := wire.AppendExplanation(nil, &kapivara.Explanation{StreamState: state, Subscribers: []kapivara.Reason{
		{Subscriber: "billing", State: kapivara.Hidden, Code: "hidden", Why: "why", NextStep: "wait", Bucket: 3, Number: 1042, Attempt: 2, Until: recorded},
		{Subscriber: "audit", Code: "incomplete", Why: "why", NextStep: "append", Bucket: -1},
	}}, wire.MaxReply)
	if err != nil {
		t.Fatal(err)
	}
	rows := kapivara.DeliveriesPage{Rows: []kapivara.DeliveryRow{*pendingRow(), *parkedRow()}, More: true}
	requests := map[string]string{
		"event": `{"id":"e1"}`, "stream": `{"stream":"a/b/c/d","from":1,"to":7,"limit":100,"backward":false,"since":"2026-11-24T08:00:00Z","until":"2026-11-24T09:00:00Z","cursor":"x"}`,
		"log":     `{"after":0,"limit":10000,"wait":"20s","backward":false,"types":["application.*"],"streams":["*"],"publishers":["loans-api"],"since":"2026-11-24T08:00:00Z","until":null}`,
		"streams": `{"prefix":"a/b/","state":"open","idle":"24h","holes":true,"cursor":null,"limit":10}`, "explain": `{"stream":"a/b/c/d","subscriber":"billing"}`,
		"bucket": `{"bucket":"3","state":"parked","cursor":"x","limit":1}`, "last-committed": `{"bucket":"canary-0"}`,
		"delivery": `{"bucket":"3","number":1042,"from":3,"limit":100,"cursor":"x"}`, "subscriber": `{"state":"parked","cursor":"x","limit":1}`,
	}
	var all []golden
	for verb, body := range requests {
		all = append(all, golden{"read-" + verb + "-request", "read-" + verb + ".request.json", []byte(body)})
	}
	return append(
		all,
		golden{"read-event-reply", "read-event.reply.json", wire.AppendEvent(nil, withJSON())},
		golden{"read-stream-reply", "read-stream.reply.json", wire.AppendStreamPage(nil, &kapivara.StreamPage{StreamState: state, EventPage: events}, wire.MaxReply)},
		golden{"read-log-reply", "read-log.reply.json", wire.AppendLogPage(nil, &kapivara.LogPage{Events: events.Events, Head: 10300, Next: 10294}, wire.MaxReply)},
		golden{"read-streams-reply", "read-streams.reply.json", wire.AppendStreamsPage(nil, &kapivara.StreamsPage{Streams: []kapivara.StreamState{listed}, Next: stream}, wire.MaxReply)},
		golden{"read-explain-reply", "read-explain.reply.json", explanation},
		golden{"read-bucket-reply", "read-bucket.reply.json", wire.AppendDeliveriesPage(nil, &rows, wire.MaxReply)},
		golden{"read-last-committed-reply", "read-last-committed.reply.json", wire.AppendDelivery(nil, committed())},
		golden{"read-delivery-reply", "read-delivery.reply.json", wire.AppendEventPage(nil, &events, wire.MaxReply)},
		golden{"read-subscriber-reply", "read-subscriber.reply.json", wire.AppendSubscriberPage(nil, subscriberPage(rows), wire.MaxReply)},
	)
}

func subscriberPage(rows kapivara.DeliveriesPage) *kapivara.SubscriberPage {
	listening := true
	p := &kapivara.SubscriberPage{Deliveries: rows}
	p.Subscriber = kapivara.NewSubscriber("billing")
	p.Subscriber.Created, p.Subscriber.LogPosition = recorded, 10293
	p.Subscriber.Moving = &kapivara.Move{Placed: 2000, Until: 10293}
	p.Standing = kapivara.Standing{Listening: &listening, LastAnswer: recorded, SilentSince: recorded, ExtraAnswers: 1}
	p.Buckets = []kapivara.BucketState{{Bucket: 3, Pending: 1, LastNumber: 1042, Oldest: 1500 * time.Millisecond, Owner: "node-1", Epoch: 17}}
	return p
}
