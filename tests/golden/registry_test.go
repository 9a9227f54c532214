package golden_test

import (
	"kapivara/pkg/kapivara"
	"kapivara/pkg/wire"
)

func registry() []golden {
	publisher := kapivara.NewPublisher("loans-api")
	publisher.Created, publisher.LogPosition = recorded, 7
	eventType := kapivara.EventType{
		Type: "application.submitted", Publisher: "loans-api", Schema: []byte(`{"type":"object"}`), Metadata: []byte(`{"owner":"loans"}`),
		Created: recorded, LogPosition: 8,
	}
	subscriber := kapivara.NewSubscriber("billing")
	subscriber.Created, subscriber.LogPosition, subscriber.System = recorded, 9, "loans"
	record := func(kind, set, key string, reply []byte) []golden {
		name := "registry-" + kind
		page := []byte(`{"items":[` + string(reply) + `],"next":"YQ"}`)
		return []golden{
			{name + "-set-request", name + "-set.request.json", []byte(set)},
			{name + "-set-reply", name + "-set.reply.json", reply},
			{name + "-get-request", name + "-get.request.json", []byte(key)},
			{name + "-get-reply", name + "-get.reply.json", reply},
			{name + "-remove-request", name + "-remove.request.json", []byte(key)},
			{name + "-remove-reply", name + "-remove.reply.json", wire.AppendRemoved(nil, 10)},
			{name + "-list-request", name + "-list.request.json", []byte(`{"cursor":"YQ","limit":1}`)},
			{name + "-list-reply", name + "-list.reply.json", page},
		}
	}
	all := record("publisher", `{"description":"x","streams":["lending/*"]}`, `{"name":"loans-api"}`, wire.AppendPublisher(nil, &publisher))
	all = append(all, record("event-type", `{"type":"application.submitted","schema":{"type":"object"},"metadata":{"owner":"loans"}}`,
		`{"type":"application.submitted"}`, wire.AppendEventType(nil, &eventType))...)
	return append(all, record("subscriber", `{"system":"loans","buckets":8,"start":"beginning","ack_wait":"30s","backoff":["1s"],"max_attempts":null}`,
		`{}`, wire.AppendSubscriber(nil, &subscriber))...)
}
