package natsbus

import (
	"context"
	"time"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/wire"
)

// operatePatience is how long an operator's request may take: it goes through any number of deliveries, in parts.
const operatePatience = 10 * time.Minute

// operatorVerbs are the requests of operators.
func (s *DispatchServer) operatorVerbs() []verb {
	rest := func(body []byte, _ time.Duration) ([]byte, time.Duration, []byte) { return body, operatePatience, nil }
	all := []verb{{
		name: "delivery-replay", subject: wire.Operate("replay", "*"), handle: s.replay, rest: rest,
		metadata: map[string]string{"request": "delivery-replay.request.json", "reply": "delivery-changed.reply.json"},
	}}
	for _, v := range [...]kapivara.Verb{kapivara.Hide, kapivara.Park, kapivara.Retry, kapivara.Discard} {
		all = append(all, verb{
			name: "delivery-" + string(v), subject: wire.Operate(string(v), "*"), handle: s.operate(v), rest: rest,
			metadata: map[string]string{"request": "delivery-" + string(v) + ".request.json", "reply": "delivery-changed.reply.json"},
		})
	}
	return all
}

// operate does an operator's verb to deliveries of the subscriber.
func (s *DispatchServer) operate(v kapivara.Verb) func(context.Context, string, []byte, Done) {
	return func(_ context.Context, subscriber string, body []byte, done Done) {
		o, err := wire.DecodeOperate(v, body)
		if err != nil {
			done(nil, err)
			return
		}
		s.dispatcher.Operate(subscriber, o, changed(done))
	}
}

// replay has streams sent to the subscriber again.
func (s *DispatchServer) replay(_ context.Context, subscriber string, body []byte, done Done) {
	r, err := wire.DecodeReplay(body)
	if err != nil {
		done(nil, err)
		return
	}
	s.dispatcher.Replay(subscriber, r, changed(done))
}

// changed answers with how many deliveries were changed.
func changed(done Done) func(int, error) {
	return func(n int, err error) {
		if err != nil {
			done(nil, err)
			return
		}
		done(wire.AppendChanged(nil, n), nil)
	}
}
