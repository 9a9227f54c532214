package main

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"kapivara/pkg/client"
	"kapivara/tests/kit"
)

// What the command says it has stored is in the log, in streams as long as asked for; the last event of each is final.
func TestABenchStoresWhatItSays(t *testing.T) {
	t.Parallel()
	status, out, errs := kapivara(t, "", "bench", "--for", "500ms", "--rate", "0", "--streams", "3", "--length", "4", "--per-request", "2",
		"--size", "50", "--into", "bench/stores/run", "--json")
	var s benchSummary
	if err := json.Unmarshal([]byte(out), &s); err != nil || status != statusDone {
		t.Fatalf("status %d, stdout %q, stderr %q: %v", status, out, errs, err)
	}
	c, err := client.Connect(bus(t))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	events, streams, finished := int64(0), map[client.Stream]int{}, 0
	for after, more := int64(0), true; more; {
		page, err := c.Log(t.Context(), client.LogQuery{After: after, Streams: []string{"bench/stores/run/*"}, Limit: 1000})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Events {
			events++
			streams[e.Stream]++
			if e.Final {
				finished++
			}
			if e.Final != (e.Position == 4) || len(e.Data) != 50 || e.Type != "bench.load" {
				t.Errorf("event %d of %s: final %v, %s with %d bytes of data", e.Position, e.Stream, e.Final, e.Type, len(e.Data))
			}
		}
		more, after = len(page.Events) > 0 || page.Next > after, page.Next
	}
	if events == 0 || events != s.Events || len(streams) != s.Streams || finished != s.Finished || s.Requests*2 != events || s.P50 <= 0 {
		t.Errorf("the log has %d events of %d streams, %d finished; the command said %s", events, len(streams), finished, out)
	}
}

// The rate is kept from the beginning on: no more is sent than was due.
func TestABenchSendsNoMoreThanItsRate(t *testing.T) {
	t.Parallel()
	status, out, errs := kapivara(t, "", "bench", "--for", "1s", "--rate", "20", "--length", "0", "--into", "bench/rate/run", "--json")
	var s benchSummary
	if err := json.Unmarshal([]byte(out), &s); err != nil || status != statusDone {
		t.Fatalf("status %d, stdout %q, stderr %q: %v", status, out, errs, err)
	}
	if s.Events == 0 || s.Events > 20 || s.Finished > 0 || s.Asked != 20 {
		t.Errorf("the command said %s, want at most 20 events and no finished stream", out)
	}
}

func TestABenchEndsWithItsTable(t *testing.T) {
	t.Parallel()
	status, out, errs := kapivara(t, "", "bench", "--for", "200ms", "--into", "bench/table/run")
	for _, want := range []string{"events ", "streams ", " of 100 asked for", "p99.9"} {
		if status != statusDone || !strings.Contains(out, want) {
			t.Errorf("status %d, stdout %q, stderr %q: want %q", status, out, errs, want)
		}
	}
}

// A refusal ends the load at once: more of the same would be refused as well.
func TestABenchEndsAtARefusal(t *testing.T) {
	t.Parallel()
	status, _, errs := kapivara(t, "", "bench", "--for", "1h", "--rate", "0", "--streams", "2", "--type", "no*", "--into", "bench/refused/run")
	if status != statusRefused || !strings.Contains(errs, "invalid_request") {
		t.Errorf("status %d, stderr %q, want invalid_request", status, errs)
	}
}

func TestABenchThatIsInterruptedShowsWhatItHasDone(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out := &strings.Builder{}
	cmd := &benchCommand{For: time.Hour, Size: 10, Streams: 2, InFlight: 2, PerRequest: 1, Length: 1, Into: "bench/stopped/run", Publisher: "bench", Type: "bench.load"}
	c, err := client.Connect(bus(t))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	l := newBenchLoad(cmd, c)
	ended := make(chan error, 1)
	go func() { ended <- l.run(ctx) }()
	kit.Eventually(t, 30*time.Second, func() error {
		if _, events := l.tally.line(time.Now(), 0, time.Now(), 0); events == 0 {
			return errors.New("nothing is stored yet")
		}
		return nil
	})
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("got %v, want an end without error", err)
	}
	s := l.tally.summary(cmd)
	if s.print(out); s.Events == 0 || s.Seconds <= 0 || !strings.Contains(out.String(), "rate") {
		t.Errorf("it shows %s", out)
	}
}

func TestABenchRefusesWhatCannotBe(t *testing.T) {
	t.Parallel()
	for _, args := range []string{"--for 0s", "--rate -1", "--size 1", "--streams 0", "--per-request 1001", "--length 5 --per-request 2", "--into x"} {
		if status, _, errs := kapivara(t, "", append([]string{"bench"}, strings.Fields(args)...)...); status != statusWrongUse {
			t.Errorf("%s: status %d, want %d; stderr %q", args, status, statusWrongUse, errs)
		}
	}
}

// A time that the histogram gives is at most 1/32 above the one that was put in, and never below.
func TestLatenciesAreAsExactAsTheySay(t *testing.T) {
	t.Parallel()
	for d := time.Microsecond; d < 100*time.Hour; d += d/7 + time.Microsecond {
		var l latencies
		l.add(d)
		l.add(200 * time.Hour)
		if got, us := l.at(500), d.Truncate(time.Microsecond); got < us || got > us+us/32+time.Microsecond {
			t.Errorf("%v became %v", d, got)
		}
	}
	var l latencies
	for n := range 1000 {
		l.add(time.Duration(n+1) * time.Millisecond)
	}
	if p50, p999, longest := l.at(500), l.at(999), l.at(1000); p50 < 500*time.Millisecond || p50 > 516*time.Millisecond || p999 < 999*time.Millisecond || longest != time.Second {
		t.Errorf("p50 %v, p99.9 %v, longest %v of 1 ms to 1 s", p50, p999, longest)
	}
}
