package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/nats-io/nats.go"

	"kapivara/pkg/client"
)

func TestAnAppendManyKeepsItsIDsAndListsWhatDoesNotHold(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ids := make(chan string, 10)
	calls := 0
	b.serve(t, "kapivara.v1.append-many.shop", func(m *nats.Msg) {
		var request struct {
			Appends []struct{ Events []struct{ ID string } }
		}
		if err := json.Unmarshal(m.Data, &request); err != nil {
			t.Errorf("request: %v", err)
		}
		ids <- request.Appends[0].Events[0].ID + " " + request.Appends[1].Events[0].ID
		calls++
		switch calls {
		case 1:
			refuse(m, "504", "outcome_unknown", "")
		case 2:
			say(`{"appends":[` + appended + `,` + appended + `]}`)(m)
		default:
			refuse(m, "409", "wrong_version", `,"stream":"a/b/c/x","expected":"new","actual":2,"violations":[{"stream":"a/b/c/x","expected":"new","actual":2}]`)
		}
	})
	many := client.AppendMany{
		Appends: []client.Append{
			{Stream: "a/b/c/d", Events: []client.NewEvent{{Type: "t"}}}, {Stream: "a/b/c/e", Events: []client.NewEvent{{Type: "t"}}},
		},
		Conditions: []client.Condition{{Stream: "a/b/c/x", Expect: client.ExpectNew()}},
	}
	var result client.AppendManyResult
	send := func(ctx context.Context) (err error) {
		result, err = b.client.AppendMany(ctx, "shop", many)
		return err
	}
	if err := client.Retry(t.Context(), send); err != nil || len(result.Appends) != 2 || result.Appends[1].Events[0].LogPosition != 9 {
		t.Fatalf("got %+v, %v", result, err)
	}
	if first, second := take(t, ids, "request"), take(t, ids, "request"); first != second || len(first) != 2*36+1 {
		t.Errorf("ids of the attempts: %q, %q", first, second)
	}
	err := send(t.Context())
	var refusal *client.Error
	if !errors.As(err, &refusal) || !client.IsConflict(err) {
		t.Fatalf("got %v, want a conflict", err)
	}
	want := client.Violation{Stream: "a/b/c/x", Expected: client.ExpectNew(), Actual: 2}
	if v := refusal.Facts.Violations; len(v) != 1 || v[0] != want || refusal.Facts.Append != nil {
		t.Errorf("got %+v, want %+v", refusal.Facts, want)
	}
}
