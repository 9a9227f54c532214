package golden_test

import (
	"strconv"
	"time"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/wire"
)

func pendingRow() *kapivara.DeliveryRow {
	return &kapivara.DeliveryRow{Bucket: -1, Stream: stream, Cause: kapivara.CauseReplay, State: kapivara.Pending, LogPosition: 10293}
}

func parkedRow() *kapivara.DeliveryRow {
	return &kapivara.DeliveryRow{
		Bucket: 3, Number: 1042, Stream: stream, Cause: kapivara.CauseComplete, From: 1, To: 7, State: kapivara.Parked, Attempt: 10,
		LogPosition: 10293, Deadline: recorded, Until: recorded, Reason: "no such \"customer\"", Node: "node-1", Committed: recorded,
	}
}

func aDelivery() *kapivara.Delivery {
	return &kapivara.Delivery{
		Subscriber: "billing", Bucket: 3, Buckets: 8, Number: 1042, Attempt: 2, Cause: kapivara.CauseComplete, Stream: stream,
		Version: 7, Finish: 7, Complete: true, From: 6, To: 7, Events: []kapivara.Event{*withJSON(), *withBinary()},
		AckWait: 30 * time.Second, Deadline: recorded, Token: "0aZ-_9",
	}
}

func committed() *kapivara.Delivery {
	d := aDelivery()
	d.Token, d.Committed = "", recorded
	return d
}

func deliveries() []golden {
	reference, open := aDelivery(), aDelivery()
	reference.Events = nil
	open.Bucket, open.Canary, open.Cause, open.Finish, open.Complete = -2, true, kapivara.CauseAppended, 0, false
	all := []golden{
		{"delivery", "delivery.json", wire.AppendDelivery(nil, aDelivery())},
		{"delivery-reference", "delivery.json", wire.AppendDelivery(nil, reference)},
		{"delivery-open-canary", "delivery.json", wire.AppendDelivery(nil, open)},
		{"delivery-row-pending", "delivery-row.json", wire.AppendDeliveryRow(nil, pendingRow())},
		{"delivery-row-parked", "delivery-row.json", wire.AppendDeliveryRow(nil, parkedRow())},
	}
	for i, a := range []kapivara.Answer{
		{Verdict: kapivara.Ack, Delay: wire.Backoff},
		{Verdict: kapivara.Nak, Delay: 10 * time.Second, Reason: "not yet"},
		{Verdict: kapivara.Progress, Delay: wire.Backoff},
		{Verdict: kapivara.Term, Delay: wire.Backoff, Reason: "never"},
	} {
		all = append(all, golden{"settle-request-" + strconv.Itoa(i+1), "settle.request.json", wire.EncodeSettle("0aZ-_9", a)})
	}
	for i, r := range []kapivara.ClaimRequest{
		{Node: "node-1", TTL: 10 * time.Second},
		{Node: "node-1", Count: 4, TTL: 90 * time.Second},
		{Node: "node-1", Buckets: []kapivara.Bucket{0, 3, -1}, TTL: 1500 * time.Millisecond},
	} {
		all = append(all, golden{"claim-request-" + strconv.Itoa(i+1), "claim.request.json", wire.EncodeClaim(&r)})
	}
	all = append(all, golden{"claim-reply", "claim.reply.json", wire.AppendClaimed(nil, []kapivara.Claimed{{Bucket: 3, Epoch: 17}, {Bucket: -1, Epoch: 1}})})
	for i, r := range []kapivara.ReleaseRequest{{Node: "node-1"}, {Node: "node-1", Buckets: []kapivara.Bucket{3}}} {
		all = append(all, golden{"release-request-" + strconv.Itoa(i+1), "release.request.json", wire.EncodeRelease(&r)})
	}
	for i, s := range []kapivara.Settled{
		{State: kapivara.Committed}, {State: kapivara.Hidden, Until: recorded}, {State: kapivara.Leased, Deadline: recorded}, {State: kapivara.Parked},
	} {
		all = append(all, golden{"settle-reply-" + strconv.Itoa(i+1), "settle.reply.json", wire.AppendSettled(nil, s)})
	}
	return append(all, nexts()...)
}

// nexts are the messages of a pull.
func nexts() []golden {
	bucket := kapivara.Bucket(-1)
	reference := aDelivery()
	reference.Events, reference.Number = nil, 1043
	return []golden{
		{"next-request-smallest", "next.request.json", wire.EncodeNext(&kapivara.NextQuery{Batch: 1})},
		{"next-request", "next.request.json", wire.EncodeNext(&kapivara.NextQuery{
			Bucket: &bucket, Node: "node-1", Batch: 100, Wait: 20 * time.Second,
		})},
		{"next-reply-empty", "next.reply.json", wire.AppendNext(nil, nil)},
		{"next-reply", "next.reply.json", wire.AppendNext(nil, []kapivara.Delivery{*aDelivery(), *reference})},
	}
}
