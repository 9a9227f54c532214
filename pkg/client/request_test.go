package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"kapivara/pkg/client"
)

const appended = `{"stream":"a/b/c/d","version":1,"contiguous":1,"finish":null,"complete":false,"events":[{"id":"x","position":1,"log_position":9,"stored":true}]}`

func TestAnAppendWithoutAnIDGetsOneAndKeepsItWhenSentAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ids := make(chan string, 10)
	var calls atomic.Int32
	b.serve(t, "kapivara.v1.append.shop", func(m *nats.Msg) {
		var request struct{ Events []struct{ ID string } }
		if err := json.Unmarshal(m.Data, &request); err != nil {
			t.Errorf("request: %v", err)
		}
		ids <- request.Events[0].ID
		switch calls.Add(1) {
		case 1:
			refuse(m, "429", "busy", `,"retry_after":"1ms"`)
		case 2:
			refuse(m, "504", "outcome_unknown", "")
		default:
			say(appended)(m)
		}
	})
	a := client.Append{Stream: "a/b/c/d", Events: []client.NewEvent{{Type: "t"}}}
	var result client.AppendResult
	err := client.Retry(t.Context(), func(ctx context.Context) (err error) {
		result, err = b.client.Append(ctx, "shop", a)
		return err
	})
	if err != nil || result.Events[0].LogPosition != 9 {
		t.Fatalf("got %+v, %v", result, err)
	}
	first := take(t, ids, "request")
	if second, third := take(t, ids, "request"), take(t, ids, "request"); first == "" || second != first || third != first {
		t.Errorf("ids of the attempts: %q, %q, %q", first, second, third)
	}
	if string(a.Events[0].ID) != first {
		t.Errorf("the caller sees the id %q, the service %q", a.Events[0].ID, first)
	}
}

func TestWhatGotNoAnswerIsToldApart(t *testing.T) {
	t.Parallel()
	b := newBench(t, client.WithTimeout(50*time.Millisecond))
	b.serve(t, "kapivara.v1.append.silent", func(*nats.Msg) {})
	b.serve(t, "kapivara.v1.append.jetstream", say(`{"stream":"ALL","seq":7}`))
	b.serve(t, "kapivara.v1.append.taken", func(m *nats.Msg) { refuse(m, "409", "position_taken", `,"position":3,"stored_id":"y"`) })
	a := client.Append{Stream: "a/b/c/d", Events: []client.NewEvent{{ID: "x", Type: "t"}}}
	for _, c := range []struct {
		publisher                        string
		code                             client.Code
		retryable, conflict, unreachable bool
	}{
		{"nobody", client.Unavailable, true, false, true},
		{"silent", client.OutcomeUnknown, true, false, true},
		{"jetstream", client.Internal, false, false, false},
		{"taken", client.PositionTaken, false, true, false},
		{"No Token", client.InvalidRequest, false, false, false},
	} {
		_, err := b.client.Append(t.Context(), c.publisher, a)
		if client.CodeOf(err) != c.code || client.IsRetryable(err) != c.retryable || client.IsConflict(err) != c.conflict || client.IsUnreachable(err) != c.unreachable {
			t.Errorf("%s: %v has code %q, retryable %v, conflict %v, unreachable %v", c.publisher, err,
				client.CodeOf(err), client.IsRetryable(err), client.IsConflict(err), client.IsUnreachable(err))
		}
	}
	var refusal *client.Error
	_, err := b.client.Append(t.Context(), "taken", a)
	if !errors.As(err, &refusal) || refusal.Facts.StoredID != "y" || *refusal.Facts.Position != 3 {
		t.Errorf("facts of %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.client.Append(ctx, "silent", a); !errors.Is(err, context.Canceled) || client.IsRetryable(err) {
		t.Errorf("a cancelled request: %v", err)
	}
	if _, err := client.Connect("nats://127.0.0.1:1"); !client.IsUnreachable(err) {
		t.Errorf("no server: %v", err)
	}
}

func TestRetryEndsWithItsContextAndKeepsTheLastError(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	calls := 0
	err := client.Retry(ctx, func(context.Context) error {
		if calls++; calls == 3 {
			cancel()
		}
		return client.ErrNoService
	})
	if calls != 3 || !errors.Is(err, client.ErrNoService) {
		t.Errorf("%d calls, %v", calls, err)
	}
}

func TestFollowGivesEveryPageOnceWhateverFailsBetween(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	event := `{"specversion":"1.0","id":"x","source":"/s","type":"t","time":"2026-01-01T00:00:00Z","stream":"a/b/c/d","position":1,"final":false,"publisher":"p","recordedtime":"2026-01-01T00:00:00Z","logposition":"5"}`
	var calls atomic.Int32
	b.serve(t, "kapivara.v1.read.log._", func(m *nats.Msg) {
		n := calls.Add(1)
		switch {
		case n == 1:
			refuse(m, "503", "unavailable", "")
		case !strings.Contains(string(m.Data), "after"):
			say(`{"events":[` + event + `],"head":5,"next":5,"more":false}`)(m)
		case strings.Contains(string(m.Data), `"after":5`) && n == 3:
			say(`{"events":[],"head":5,"next":5,"more":false}`)(m)
		default:
			say(`{"events":[],"head":8,"next":8,"more":false}`)(m)
		}
	})
	var nexts []int64
	for page, err := range b.client.Follow(t.Context(), client.LogQuery{Wait: time.Second}) {
		if err != nil {
			t.Fatal(err)
		}
		if nexts = append(nexts, page.Next); len(nexts) == 2 {
			break
		}
	}
	if len(nexts) != 2 || nexts[0] != 5 || nexts[1] != 8 {
		t.Errorf("pages up to %v, want 5 and 8", nexts)
	}
}

func TestIDsAreUUIDsOfVersion7InOrderOfTime(t *testing.T) {
	t.Parallel()
	seen := map[client.EventID]bool{}
	for range 1000 {
		id := client.NewID()
		if !id.IsUUID() || id[14] != '7' || !strings.ContainsRune("89ab", rune(id[19])) || seen[id] {
			t.Fatalf("id %s", id)
		}
		seen[id] = true
	}
}
