package natsbus

import (
	"context"
	"strconv"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/wire"
)

// Appender stores events. It answers by done, once, possibly later and from another goroutine; it does not block.
type Appender interface {
	Append(publisher string, a *kapivara.Append, done func(*kapivara.AppendResult, error))
	AppendMany(publisher string, m *kapivara.AppendMany, done func(*kapivara.AppendManyResult, error))
}

// AppendEndpoints are the endpoints of protocol section 3.
func AppendEndpoints(appender Appender, limits wire.Limits) []Endpoint {
	describe := func(request, reply string) map[string]string {
		return map[string]string{
			"request": request, "reply": reply,
			"max_request": strconv.Itoa(limits.Request), "max_data": strconv.Itoa(limits.Data),
			"max_attributes": strconv.Itoa(limits.Attributes), "max_events": strconv.Itoa(limits.Events),
			"max_depth": strconv.Itoa(limits.Depth),
		}
	}
	many := describe("append-many.request.json", "append-many.reply.json")
	many["max_conditions"] = strconv.Itoa(kapivara.MaxConditions)
	return []Endpoint{
		{
			Name: "append", Subject: wire.Append("*"), Inline: true,
			Metadata: describe("append.request.json", "append.reply.json"),
			Handle:   func(_ context.Context, r *Request, done Done) { handleAppend(appender, limits, r, done) },
		},
		{
			Name: "append-many", Subject: wire.AppendMany("*"), Inline: true,
			Metadata: many,
			Handle:   func(_ context.Context, r *Request, done Done) { handleAppendMany(appender, limits, r, done) },
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

func handleAppendMany(appender Appender, limits wire.Limits, r *Request, done Done) {
	publisher := r.Tokens[len(r.Tokens)-1]
	if err := kapivara.CheckToken("", "the publisher in the subject", publisher); err != nil {
		done(nil, err)
		return
	}
	m, err := wire.DecodeAppendMany(r.Body, limits)
	if err != nil {
		done(nil, err)
		return
	}
	appender.AppendMany(publisher, &m, func(result *kapivara.AppendManyResult, err error) {
		if err != nil {
			done(nil, err)
			return
		}
		done(wire.AppendManyReply(nil, result), nil)
	})
}
