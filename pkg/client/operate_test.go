package client_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"kapivara/pkg/client"
)

// operators serves every verb of operators, answers with what body says, and tells what was asked.
func operators(t *testing.T, b *bench, body string) <-chan string {
	t.Helper()
	asked := make(chan string, 10)
	b.serve(t, "kapivara.v1.delivery.*.billing", func(m *nats.Msg) {
		asked <- m.Subject[len("kapivara.v1.delivery."):] + " " + string(m.Data)
		_ = m.Respond([]byte(body))
	})
	return asked
}

func TestOperatorsVerbsAskForWhatTheyAreGivenAndTellWhatWasChanged(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	asked := operators(t, b, `{"changed":7}`)
	canary, err := client.ParseBucket("canary-0")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 12, 1, 8, 0, 0, 0, time.UTC)
	one := []client.Numbering{{Bucket: canary, Number: 1042}}
	c := b.client
	for _, step := range []struct {
		ask  func(context.Context, string, client.Operation) (int, error)
		o    client.Operation
		want string
	}{
		{c.Hide, client.Operation{Numbers: one, Until: at}, `hide.billing {"numbers":[{"bucket":"canary-0","number":1042}],"until":"2026-12-01T08:00:00Z"}`},
		{c.Hide, client.Operation{Stream: "a/b/c/d", Delay: time.Second, DryRun: true}, `hide.billing {"stream":"a/b/c/d","delay":1000000000,"dry_run":true}`},
		{c.Park, client.Operation{State: client.Hidden, Bucket: &canary, Reason: "wrong\ntax"}, `park.billing {"state":"hidden","bucket":"canary-0","reason":"wrongtax"}`},
		{c.Retry, client.Operation{State: client.Parked}, `retry.billing {"state":"parked"}`},
		{c.Discard, client.Operation{Numbers: one}, `discard.billing {"numbers":[{"bucket":"canary-0","number":1042}]}`},
	} {
		if n, err := step.ask(t.Context(), "billing", step.o); n != 7 || err != nil {
			t.Errorf("got %d, %v for %s, want 7", n, err, step.want)
		}
		if got := take(t, asked, "request"); got != step.want {
			t.Errorf("asked %s, want %s", got, step.want)
		}
	}
	for _, step := range []struct {
		r    client.Replay
		want string
	}{
		{client.Replay{}, `replay.billing {"after":0}`},
		{client.Replay{After: 3, To: 9, Bucket: &canary, DryRun: true}, `replay.billing {"after":3,"to":9,"bucket":"canary-0","dry_run":true}`},
		{client.Replay{Since: at, Stream: "a/b/c/d"}, `replay.billing {"since":"2026-12-01T08:00:00Z","stream":"a/b/c/d"}`},
	} {
		if n, err := c.Replay(t.Context(), "billing", step.r); n != 7 || err != nil {
			t.Errorf("got %d, %v for %s, want 7", n, err, step.want)
		}
		if got := take(t, asked, "request"); got != step.want {
			t.Errorf("asked %s, want %s", got, step.want)
		}
	}
}

// What could not be written as it was meant is never sent: the zero Hide would else hide for no time at all, and a number
// below 1 name nothing.
func TestOperatorsVerbsRefuseWhatIsNotMeantBeforeTheyAsk(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	asked := operators(t, b, `{"changed":7}`)
	c, ctx, now := b.client, t.Context(), time.Now()
	stream, many := client.Operation{Stream: "a/b/c/d"}, slices.Repeat([]client.Numbering{{Number: 1}}, 1001)
	with := func(o client.Operation, change func(*client.Operation)) client.Operation {
		change(&o)
		return o
	}
	for i, ask := range []func() (int, error){
		func() (int, error) { return c.Hide(ctx, "billing", stream) },
		func() (int, error) {
			return c.Hide(ctx, "billing", with(stream, func(o *client.Operation) { o.Until, o.Delay = now, time.Second }))
		},
		func() (int, error) {
			return c.Hide(ctx, "billing", with(stream, func(o *client.Operation) { o.Delay = -time.Second }))
		},
		func() (int, error) {
			return c.Park(ctx, "billing", with(stream, func(o *client.Operation) { o.Delay = time.Second }))
		},
		func() (int, error) {
			return c.Retry(ctx, "billing", with(stream, func(o *client.Operation) { o.Until = now }))
		},
		func() (int, error) {
			return c.Retry(ctx, "billing", with(stream, func(o *client.Operation) { o.State = client.Parked }))
		},
		func() (int, error) { return c.Retry(ctx, "billing", client.Operation{State: client.Leased}) },
		func() (int, error) { return c.Park(ctx, "billing", client.Operation{}) },
		func() (int, error) { return c.Park(ctx, "billing", client.Operation{Stream: "no stream"}) },
		func() (int, error) { return c.Park(ctx, "Billing", stream) },
		func() (int, error) {
			return c.Discard(ctx, "billing", client.Operation{Numbers: []client.Numbering{{Number: 0}}})
		},
		func() (int, error) { return c.Replay(ctx, "billing", client.Replay{After: 1, Since: now}) },
		func() (int, error) { return c.Replay(ctx, "billing", client.Replay{After: 5, To: 5}) },
		func() (int, error) { return c.Replay(ctx, "billing", client.Replay{To: -1}) },
		func() (int, error) { return c.Replay(ctx, "billing", client.Replay{Stream: "no stream"}) },
		func() (int, error) { return c.Replay(ctx, "b.c", client.Replay{}) },
	} {
		if n, err := ask(); n != 0 || client.CodeOf(err) != client.InvalidRequest {
			t.Errorf("request %d: got %d, %v, want invalid_request", i, n, err)
		}
	}
	if _, err := c.Discard(ctx, "billing", client.Operation{Numbers: many}); client.CodeOf(err) != client.TooLarge {
		t.Errorf("1001 numbers: got %v, want too_large", err)
	}
	select {
	case request := <-asked:
		t.Errorf("asked %s", request)
	default:
	}
}

// They may take minutes: the client's time-out is not theirs, but the deadline of the context is.
func TestOperatorsVerbsWaitLongerThanTheClientsTimeout(t *testing.T) {
	t.Parallel()
	b := newBench(t, client.WithTimeout(time.Millisecond))
	requests := make(chan *nats.Msg, 10)
	b.serve(t, "kapivara.v1.delivery.*.billing", func(m *nats.Msg) { requests <- m })

	type told struct {
		n   int
		err error
	}
	answered := make(chan told, 1)
	go func() {
		n, err := b.client.Replay(context.Background(), "billing", client.Replay{})
		answered <- told{n, err}
	}()
	request := take(t, requests, "request")
	short := func() error {
		_, err := b.client.Request(t.Context(), "kapivara.v1.delivery.park.billing", nil)
		return err
	}
	if err := short(); !errors.Is(err, client.ErrNoAnswer) { // the client's time-out has passed in the meantime, all of it
		t.Fatalf("got %v, want the client's time-out", err)
	}
	_ = request.Respond([]byte(`{"changed":3}`))
	if got := take(t, answered, "answer"); got.n != 3 || got.err != nil {
		t.Errorf("got %d, %v, want 3", got.n, got.err)
	}

	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := b.client.Retry(ctx, "billing", client.Operation{State: client.Parked}); client.CodeOf(err) != client.OutcomeUnknown {
		t.Errorf("got %v after the context's deadline, want outcome_unknown", err)
	}
}

func TestWhatIsNoAnswerOfAnOperatorsVerbIsNotTakenForOne(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	operators(t, b, `{}`)
	b.serve(t, "kapivara.v1.delivery.retry.none", func(m *nats.Msg) { refuse(m, "404", "not_found", "") })
	o := client.Operation{State: client.Parked}
	if _, err := b.client.Retry(t.Context(), "billing", o); client.CodeOf(err) != client.Internal {
		t.Errorf("got %v, want internal", err)
	}
	if _, err := b.client.Retry(t.Context(), "none", o); !client.IsNotFound(err) {
		t.Errorf("got %v, want not_found", err)
	}
	if _, err := b.client.Retry(t.Context(), "nobody", o); !errors.Is(err, client.ErrNoService) {
		t.Errorf("got %v, want that nobody serves", err)
	}
}
