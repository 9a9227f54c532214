package main

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"kapivara/pkg/client"
	"kapivara/tests/kit"
)

// A bus whose subscriber "billing" is being placed: each look is told of the next of these.
type placingBus struct {
	url   string
	looks chan string
	asked chan struct{}
}

func newPlacingBus(t *testing.T, looks ...string) *placingBus {
	t.Helper()
	b := &placingBus{url: kit.NATS(t), looks: make(chan string, len(looks)), asked: make(chan struct{}, 100)}
	for _, m := range looks {
		b.looks <- m
	}
	nc, err := nats.Connect(b.url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	const record = `{"name":"billing","types":["*"],"streams":["*"],"buckets":%d,"canary_buckets":0}`
	for subject, reply := range map[string]func() string{
		"kapivara.v1.registry.subscriber.set.billing": func() string { return fmt.Sprintf(record, 3) },
		"kapivara.v1.read.subscriber.billing": func() string {
			moving := "null"
			if len(b.looks) > 0 {
				moving = <-b.looks
			}
			b.asked <- struct{}{}
			return `{"subscriber":` + fmt.Sprintf(record, 8) + `,"moving":` + moving + `,"buckets":[],"deliveries":[],"next":null}`
		},
	} {
		if _, err := nc.Subscribe(subject, func(m *nats.Msg) { _ = m.Respond([]byte(reply())) }); err != nil {
			t.Fatal(err)
		}
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *placingBus) resize(ctx context.Context, more ...string) (status int, stdout, stderr string) {
	var out, err bytes.Buffer
	args := append([]string{"-s", b.url, "resize", "billing", "--buckets", "3", "-y"}, more...)
	status = run(ctx, args, streams{in: strings.NewReader(""), out: &out, err: &err})
	return status, out.String(), err.String()
}

func TestResizeWaitsUntilAllIsPlaced(t *testing.T) {
	t.Parallel()
	looks := []string{"null", `{"placed":0,"until":9}`, `{"placed":4,"until":9}`, `{"placed":9,"until":9}`}
	for name, c := range map[string]struct {
		more  []string
		asked int
		want  string
	}{
		"it waits":                  {nil, 5, "resized billing to 3 buckets and 0 for canary streams\nall that waits is placed by these numbers\n"},
		"it waits and prints JSON":  {[]string{"--json"}, 5, ""},
		"it does not where told so": {[]string{"--no-wait"}, 1, "resized billing to 3 buckets and 0 for canary streams; what waits is placed in the background\n"},
	} {
		b := newPlacingBus(t, looks...)
		status, out, err := b.resize(t.Context(), c.more...)
		if status != 0 || len(b.asked) != c.asked {
			t.Errorf("%s: status %d after %d looks, want 0 after %d; %s", name, status, len(b.asked), c.asked, err)
		}
		if c.want != "" && out != c.want || strings.Count(out, "\n") != max(strings.Count(c.want, "\n"), 1) {
			t.Errorf("%s: got %q, want %q", name, out, c.want)
		}
	}
}

// Who does not want to wait any longer is told that it goes on.
func TestAnInterruptedResizeGoesOn(t *testing.T) {
	t.Parallel()
	var looks []string
	for range 50 {
		looks = append(looks, `{"placed":4,"until":9}`)
	}
	b := newPlacingBus(t, looks...)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		for range 3 {
			<-b.asked
		}
		cancel()
	}()
	status, _, err := b.resize(ctx)
	if status != statusInterrupted || !strings.Contains(err, "goes on being placed in the background: kapivara subscriber get billing\n") {
		t.Errorf("status %d, want %d; it said %q", status, statusInterrupted, err)
	}
}

func TestHowFarAResizeIsShown(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	looks := []struct {
		after time.Duration
		m     client.Moving
	}{
		{0, client.Moving{Placed: 0, Until: 1_000_000}},
		{2 * time.Second, client.Moving{Placed: 200_000, Until: 1_000_000}},
		{6 * time.Second, client.Moving{Placed: 500_000, Until: 1_000_000}},
		{7 * time.Second, client.Moving{Placed: 0, Until: 1_200_000}}, // somebody else has resized it
		{12 * time.Second, client.Moving{Placed: 600_000, Until: 1_200_000}},
	}
	for _, c := range []struct {
		terminal bool
		want     string
	}{
		{true, "\r\x1b[Kplaced up to log position 0 of 1,000,000, 0 %" +
			"\r\x1b[Kplaced up to log position 200,000 of 1,000,000, 20 %, about 8s left" +
			"\r\x1b[Kplaced up to log position 500,000 of 1,000,000, 50 %, about 6s left" +
			"\r\x1b[Kplaced up to log position 0 of 1,200,000, 0 %" +
			"\r\x1b[Kplaced up to log position 600,000 of 1,200,000, 50 %, about 5s left\r\x1b[K"},
		{false, "placed up to log position 500,000 of 1,000,000, 50 %, about 6s left\n" +
			"placed up to log position 600,000 of 1,200,000, 50 %, about 5s left\n"},
	} {
		var out strings.Builder
		v := placingView{to: &out, terminal: c.terminal}
		for _, l := range looks {
			v.show(l.m, at.Add(l.after))
		}
		v.end()
		if out.String() != c.want {
			t.Errorf("terminal %v: got\n%q\nwant\n%q", c.terminal, out.String(), c.want)
		}
	}
}
