package main

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"kapivara/pkg/client"
)

// topState is a subscriber as the read service answers it.
func topState(name string, listening bool, buckets ...client.BucketState) client.SubscriberState {
	s := client.SubscriberState{Listening: &listening, Buckets: buckets}
	s.Subscriber.Name = name
	return s
}

// topSamples are two looks at the same bus, two seconds apart.
func topSamples() (first, second topSample) {
	at := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	silent := topState("audit", true, client.BucketState{Bucket: "0", Pending: 4, Leased: 1, Lag: 5, LagSeconds: 7000})
	silent.NobodyAnswers = at.Add(-time.Hour)
	first = topSample{at, []client.SubscriberState{
		silent,
		topState("billing", true,
			client.BucketState{
				Bucket: "0", Owner: "node-1", Epoch: 3, Pending: 1000000, Leased: 1, Lag: 1000001, LagSeconds: 12.34, Committed: 20,
			},
			client.BucketState{Bucket: "1", Committed: 7}),
	}}
	second = topSample{at.Add(2 * time.Second), []client.SubscriberState{
		silent,
		topState("billing", true,
			client.BucketState{
				Bucket: "0", Owner: "node-1", Epoch: 3, Pending: 999800, Hidden: 1, Parked: 2, Lag: 999801, LagSeconds: 13, Committed: 320,
			},
			client.BucketState{Bucket: "1", Owner: "node-2", Epoch: 1, Committed: 8}),
		topState("mail", false),
	}}
	return first, second
}

// lines are the frame in lines, without what differs between zones.
func frameLines(f topFrame, most int, note string) string {
	lines := topLines(f, &topView{}, most, note)
	lines[0] = strings.Replace(lines[0], f.Time.Local().Format(time.DateTime), "NOW", 1)
	text := strings.Join(lines, "\n")
	return strings.ReplaceAll(text, time.Date(2026, 11, 24, 11, 0, 0, 0, time.UTC).Local().Format(time.TimeOnly), "hh:mm:ss")
}

func TestFramesOfTop(t *testing.T) {
	t.Parallel()
	first, second := topSamples()
	for _, c := range []struct {
		name  string
		frame topFrame
		most  int
		note  string
		want  string
	}{
		{"the first has no rates", first.since(nil), 0, "", `
kapivara top  NOW  2 subscribers, lag 1,000,006

SUBSCRIBER  NODES                     OWNERS  LAG        SECONDS  LEASED  HIDDEN  PARKED  COMMITTED  DUE/S  DONE/S
audit       no answer since hh:mm:ss  -       5          1h57m    1       0       0       0          -      -
billing     listening                 1       1,000,001  12.3     1       0       0       27         -      -

SUBSCRIBER  BUCKET  OWNER   LAG        SECONDS  PENDING    LEASED  HIDDEN  PARKED  COMMITTED  DONE/S
billing     0       node-1  1,000,001  12.3     1,000,000  1       0       0       20         -
audit       0       -       5          1h57m    4          1       0       0       0          -`},
		{"the next has the rates since then", second.since(&first), 0, "", `
kapivara top  NOW  3 subscribers, lag 999,806, 2 parked

SUBSCRIBER  NODES                     OWNERS  LAG      SECONDS  LEASED  HIDDEN  PARKED  COMMITTED  DUE/S  DONE/S
audit       no answer since hh:mm:ss  -       5        1h57m    1       0       0       0          0.0    0.0
billing     listening                 2       999,801  13.0     0       1       2       328        51.5   150
mail        none                      -       0        0.0      0       0       0       0          -      -

SUBSCRIBER  BUCKET  OWNER   LAG      SECONDS  PENDING  LEASED  HIDDEN  PARKED  COMMITTED  DONE/S
billing     0       node-1  999,801  13.0     999,800  0       1       2       320        150
audit       0       -       5        1h57m    4        1       0       0       0          0.0
billing     1       node-2  0        0.0      0        0       0       0       8          0.5`},
		{"a small screen", second.since(&first), 8, "no answer", `
kapivara top  NOW  3 subscribers, lag 999,806, 2 parked  NOT OF NOW: no answer

SUBSCRIBER  NODES                     OWNERS  LAG      SECONDS  LEASED  HIDDEN  PARKED  COMMITTED  DUE/S  DONE/S
audit       no answer since hh:mm:ss  -       5        1h57m    1       0       0       0          0.0    0.0
billing     listening                 2       999,801  13.0     0       1       2       328        51.5   150
mail        none                      -       0        0.0      0       0       0       0          -      -
… and 5 lines more: name a subscriber, or see kapivara bucket`},
		{"nobody", (&topSample{at: first.at}).since(nil), 0, "", `
kapivara top  NOW  0 subscribers, lag 0

SUBSCRIBER  NODES  OWNERS  LAG  SECONDS  LEASED  HIDDEN  PARKED  COMMITTED  DUE/S  DONE/S

In no bucket anything waits, and none is claimed.`},
	} {
		if got := "\n" + frameLines(c.frame, c.most, c.note); got != c.want {
			t.Errorf("%s: got%s\nwant%s", c.name, got, c.want)
		}
	}
}

// A name that was removed and set again, or a bucket that has gone, counts less than before: no rate is better than a
// negative one.
func TestTopHasNoNegativeRates(t *testing.T) {
	t.Parallel()
	first, second := topSamples()
	got := first.since(&second).Subscribers[1]
	if got.DonePerSec != nil || got.DuePerSec != nil {
		t.Errorf("got %v, want none", *got.DonePerSec)
	}
}

// fakeTop answers with its replies one after another.
type fakeTop struct {
	replies []any // topSample or error
}

func (f *fakeTop) look(context.Context) (topSample, error) {
	next := f.replies[0]
	f.replies = f.replies[1:]
	if err, failed := next.(error); failed {
		return topSample{}, err
	}
	return next.(topSample), nil //nolint:forcetypeassert // the tests' own
}

func runTop(t *testing.T, top *top, replies ...any) (string, error) {
	t.Helper()
	var out strings.Builder
	top.out, top.look = &out, (&fakeTop{replies}).look
	ticks := make(chan time.Time, 10)
	for range cap(ticks) {
		ticks <- time.Time{}
	}
	err := top.run(t.Context(), ticks)
	return out.String(), err
}

func TestTopDrawsOverItsFrames(t *testing.T) {
	t.Parallel()
	first, second := topSamples()
	got, err := runTop(t, &top{screen: 40, most: 3}, first, errors.New("no answer in time"), second)
	if err != nil {
		t.Fatal(err)
	}
	inside, ok := strings.CutPrefix(got, screenOpen)
	inside, ended := strings.CutSuffix(inside, screenClose)
	frames := strings.Split(inside, screenHome)
	if !ok || !ended || len(frames) != 4 || strings.Count(got, screenEnd) != 3 {
		t.Fatalf("got %q, want three frames on a screen of their own", got)
	}
	if !strings.Contains(frames[2], "NOT OF NOW: no answer in time") || !strings.Contains(frames[2], "1,000,001") {
		t.Errorf("a failed look is drawn as %q, want the frame before with a note", frames[2])
	}
	if !strings.Contains(frames[3], "51.5") || strings.Contains(frames[3], "NOT OF NOW") {
		t.Errorf("the frame after is %q", frames[3])
	}
}

func TestTopFailsWhereNothingWasEverSeen(t *testing.T) {
	t.Parallel()
	if _, err := runTop(t, &top{most: 2}, client.ErrNoService); !errors.Is(err, client.ErrNoService) {
		t.Errorf("got %v", err)
	}
}

func TestTopAsJSONIsALineForEachFrame(t *testing.T) {
	t.Parallel()
	first, second := topSamples()
	got, err := runTop(t, &top{json: true, most: 3}, first, errors.New("no answer"), second)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(got), "\n")
	if len(lines) != 2 || !strings.Contains(lines[0], `"due_per_second":null`) {
		t.Fatalf("got %q, want the two frames that were seen", got)
	}
	var frame topFrame
	if err := json.Unmarshal([]byte(lines[1]), &frame); err != nil {
		t.Fatal(err)
	}
	if b := frame.Subscribers[1].Buckets[0]; b.Owner != "node-1" || b.Lag != 999801 || b.DonePerSec == nil || *b.DonePerSec != 150 {
		t.Errorf("got %+v", b)
	}
}
