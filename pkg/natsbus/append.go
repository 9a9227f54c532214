package natsbus

import (
	"context"
	"strconv"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/wire"
)

// Appender stores events. Append answers by done, once, possibly later and from another goroutine; it does not block.
type Appender interface {
	Append(publisher string, a *kapivara.Append, done func(*kapivara.AppendResult, error))
}

// AppendEndpoints are the endpoints of protocol section 3.
func AppendEndpoints(appender Appender, limits wire.Limits) []Endpoint {
	return []Endpoint{
		{
			Name: "append", Subject: wire.Append("*"), Inline: true,
			Metadata: map[string]string{
				"request": "append.request.json", "reply": "append.reply.json",
				"max_request": strconv.Itoa(limits.Request), "max_data": strconv.Itoa(limits.Data),
				"max_attributes": strconv.Itoa(limits.Attributes), "max_events": strconv.Itoa(limits.Events),
				"max_depth": strconv.Itoa(limits.Depth),
			},
			Handle: func(_ context.Context, r *Request, done Done) { handleAppend(appender, limits, r, done) },
		},
		{
			Name: "append-many", Subject: wire.AppendMany("*"), Inline: true,
			Handle: func(_ context.Context, _ *Request, done Done) {
				done(nil, kapivara.NotBuilt("", "append-many"))
			},
		},
	}
}

func handleAppend(appender Appender, limits wire.Limits, r *Request, done Done) {
	publisher := r.Tokens[len(r.Tokens)-1]
	if err := kapivara.CheckToken("", "the publisher in the subject", publisher); err != nil {
		done(nil, err)
		return
	}
	a, err := wire.DecodeAppend(r.Body, limits)
	if err != nil {
		done(nil, err)
		return
	}
	appender.Append(publisher, &a, func(result *kapivara.AppendResult, err error) {
		if err != nil {
			done(nil, err)
			return
		}
		done(wire.AppendReply(nil, result), nil)
	})
}
