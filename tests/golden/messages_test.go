package golden_test

import (
	"testing"
	"time"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/wire"
)

const stream = kapivara.Stream("lending/loans/application/A-173688/ü \"x\"")

var recorded = time.Date(2026, 11, 24, 8, 0, 0, 123456000, time.UTC)

// messages are all messages of the protocol that this release serves.
func messages(t *testing.T) []golden {
	t.Helper()
	all := []golden{
		{"event-smallest", "event.json", wire.AppendEvent(nil, smallest())},
		{"event-json", "event.json", wire.AppendEvent(nil, withJSON())},
		{"event-binary", "event.json", wire.AppendEvent(nil, withBinary())},
		{"append-request", "append.request.json", wire.EncodeAppend(nil, newAppend())},
		{"append-request-smallest", "append.request.json", wire.EncodeAppend(nil, &kapivara.Append{
			Stream: "a/b/c/d", Events: []kapivara.NewEvent{{ID: "e1", Type: "t"}},
		})},
		{"append-reply", "append.reply.json", wire.AppendReply(nil, &kapivara.AppendResult{
			Stream: stream, Version: 7, Contiguous: 7, Finish: 7, Complete: true, Events: []kapivara.Placed{
				{ID: "01890a5d-ac96-774b-bcce-b302099a8057", Position: 6, LogPosition: 10293},
				{ID: "e2", Position: 7, LogPosition: 10294, Stored: true},
			},
		})},
		{"append-reply-open", "append.reply.json", wire.AppendReply(nil, &kapivara.AppendResult{
			Stream: "a/b/c/d", Version: 3, Contiguous: 1, Events: []kapivara.Placed{{ID: "e", Position: 3, LogPosition: 1, Stored: true}},
		})},
		{"append-many-request", "append-many.request.json", wire.EncodeAppendMany(nil, &kapivara.AppendMany{
			Appends: []kapivara.Append{*newAppend(), {Stream: "a/b/c/d", Events: []kapivara.NewEvent{{ID: "e1", Type: "t"}}}},
			Conditions: []kapivara.Condition{
				{Stream: "a/b/c/e", Expect: kapivara.ExpectNew()}, {Stream: stream, Expect: kapivara.ExpectVersion(5)},
			},
		})},
		{"append-many-request-conditions", "append-many.request.json", wire.EncodeAppendMany(nil, &kapivara.AppendMany{
			Conditions: []kapivara.Condition{{Stream: "a/b/c/d", Expect: kapivara.ExpectExists()}},
		})},
		{"append-many-reply", "append-many.reply.json", wire.AppendManyReply(nil, &kapivara.AppendManyResult{Appends: []kapivara.AppendResult{
			{Stream: stream, Version: 6, Contiguous: 6, Events: []kapivara.Placed{{ID: "e2", Position: 6, LogPosition: 10294, Stored: true}}},
			{Stream: "a/b/c/d", Version: 1, Contiguous: 1, Finish: 1, Complete: true, Events: []kapivara.Placed{{ID: "e1", Position: 1, LogPosition: 10295, Stored: true}}},
		}})},
		{"append-many-reply-conditions", "append-many.reply.json", wire.AppendManyReply(nil, &kapivara.AppendManyResult{})},
		{"committed", "committed.json", wire.Committed{Head: 10294, Due: true}.Append(nil)},
	}
	for _, code := range wire.Codes() {
		_, body := wire.EncodeError(refusal(code))
		all = append(all, golden{"error-" + string(code), "error.json", body})
	}
	all = append(all, reads(t)...)
	all = append(all, registry()...)
	all = append(all, operators()...)
	return append(all, deliveries()...)
}

func smallest() *kapivara.Event {
	return &kapivara.Event{
		NewEvent: kapivara.NewEvent{ID: "e1", Type: "t", Position: 1},
		Stream:   "a/b/c/d", Publisher: "p", Recorded: recorded, LogPosition: 1,
	}
}

func withJSON() *kapivara.Event {
	return &kapivara.Event{
		NewEvent: kapivara.NewEvent{
			ID: "01890a5d-ac96-774b-bcce-b302099a8057", Type: "application.submitted", Source: "/web",
			Time: "2026-11-24T09:00:00+01:00", Position: 6, Kind: kapivara.JSONData, Data: []byte(`{"amount" : 2e4, "note":"\u00fc\n"}`),
			Attributes: []byte(`"subject":"\u00fc","attempt":-1,"vip":true`),
		},
		Stream: stream, Publisher: "loans-api", Recorded: recorded, LogPosition: 10293,
	}
}

func withBinary() *kapivara.Event {
	return &kapivara.Event{
		NewEvent: kapivara.NewEvent{
			ID: "e2", Type: "T02 Check confirmation", Source: "/lending/loans/loans-api", Position: 7, Final: true,
			Kind: kapivara.BinaryData, Data: []byte{0, 1, 255},
		},
		Stream: stream, Publisher: "loans-api", Recorded: recorded, LogPosition: 10294,
	}
}

func newAppend() *kapivara.Append {
	canary := true
	a := &kapivara.Append{Stream: stream, Expect: kapivara.ExpectVersion(5), Canary: &canary}
	for _, e := range []*kapivara.Event{withJSON(), withBinary()} {
		a.Events = append(a.Events, e.NewEvent)
	}
	return a
}

// refusal has every fact that its code may have.
func refusal(code kapivara.Code) *kapivara.Error {
	e := &kapivara.Error{Code: code, Message: "what was wrong; what to send instead: \"<ü>\""}
	expect, actual, position, finish, limit, size, index := kapivara.ExpectVersion(0), 3, 4, 7, 491520, 491521, 0
	f := &e.Facts
	switch code {
	case kapivara.InvalidRequest, kapivara.SchemaViolation:
		f.Path = "events[2].foo"
	case kapivara.Forbidden:
		f.Publisher, f.Type, f.Stream = "loans-api", "application.submitted", string(stream)
	case kapivara.WrongVersion:
		f.Stream, f.Expected, f.Actual, f.Append = string(stream), &expect, &actual, &index
		f.Violations = []kapivara.Violation{{Stream: string(stream), Expected: kapivara.ExpectNew(), Actual: actual}}
	case kapivara.CanaryMismatch:
		f.Stream = string(stream)
	case kapivara.EventIDReused:
		f.ID, f.Stream, f.Position = "e1", string(stream), &position
	case kapivara.PositionTaken:
		f.Stream, f.Position, f.StoredID = string(stream), &position, "e1"
	case kapivara.StreamFinished:
		f.Stream, f.Finish, f.Missing = string(stream), &finish, []kapivara.Range{{From: 3, To: 3}, {From: 5, To: 6}}
	case kapivara.FinishConflict:
		f.Stream, f.Finish, f.Version = string(stream), &finish, &actual
	case kapivara.StaleToken:
		f.Subscriber, f.Bucket = "billing", "canary-0"
	case kapivara.TooLarge:
		f.Limit, f.Size = &limit, &size
	case kapivara.Busy:
		f.RetryAfter = "100ms"
	case kapivara.Internal:
		f.Trace = "0123456789abcdef"
	case kapivara.NotFound, kapivara.Unavailable, kapivara.OutcomeUnknown:
	}
	return e
}
