package e2e_test

import (
	"strings"
	"testing"
	"time"
)

// What runs, what to send and how it goes: nats micro tells it.
func TestNatsMicroReadsWell(t *testing.T) {
	t.Parallel()
	url, _ := startBus(t)
	c := newCLI(t, url)
	c.env = append(c.env, "NATS_TIMEOUT=5s")
	c.req("kapivara.v1.append.p", `{"stream": "a/b/c/1", "events": [{"id": "1", "type": "t"}]}`)
	c.reqErr("kapivara.v1.append.p", `{"stream": "a"}`)

	for name, wants := range map[string][]string{
		"ls": {"kapivara-writer", "kapivara-reader", "kapivara-dispatcher", "Stores events", "0.0.1"},
		"info kapivara-writer": {
			"kapivara.v1.append.*", "append.request.json", "append.reply.json", "max_request: 983040",
			"kapivara.v1.registry.subscriber.set.*", `Requests: 2 in group "kapivara-writer"`,
		},
		"info kapivara-reader":      {"kapivara.v1.read.stream.*", "read-stream.request.json", "kapivara.v1.read.explain.*"},
		"info kapivara-dispatcher":  {"kapivara.v1.settle.*", "settle.request.json"},
		"ping kapivara-writer":      {"kapivara-writer", "rtt="},
		"ping kapivara-reader":      {"kapivara-reader", "rtt="},
		"ping kapivara-dispatcher":  {"kapivara-dispatcher", "rtt="},
		"stats kapivara-reader":     {"read-stream", "Requests", "Errors"},
		"stats kapivara-dispatcher": {"settle", "Requests", "Errors"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // the command waits for as long as there may be more answers
			mine := *c
			mine.t = t
			out := mine.says(append([]string{"micro"}, strings.Fields(name)...)...)
			for _, want := range wants {
				if !strings.Contains(out, want) {
					t.Errorf("lacks %q:\n%s", want, out)
				}
			}
		})
	}
	for _, line := range strings.Split(c.says("micro", "stats", "kapivara-writer"), "\n") {
		if cells := strings.Split(line, "│"); len(cells) > 5 && strings.TrimSpace(cells[2]) == "append" {
			if requests, errors := strings.TrimSpace(cells[3]), strings.TrimSpace(cells[5]); requests != "2" || errors != "1" {
				t.Errorf("append: got %s requests and %s errors, want 2 and 1", requests, errors)
			}
		}
	}
}

// Whoever only looks is refused where it would seem to be a worker, and welcome elsewhere.
func TestNatsSubIsRefusedWhereItWouldTakeDeliveries(t *testing.T) {
	t.Parallel()
	url, _ := startBus(t)
	c := newCLI(t, url)
	for _, subject := range []string{"kapivara.>", ">", "kapivara.v1.bucket.>", "kapivara.v1.bucket.billing.*", "kapivara.v1.bucket.billing.0", "kapivara.v1.append.*"} {
		out, log, err := c.run("sub", subject, "--count", "1")
		if err == nil || !strings.Contains(out+log, "Permissions Violation") {
			t.Errorf("nats sub %s: got %v, want a permissions violation\n%s%s", subject, err, out, log)
		}
	}
	watch := c.worker("sub", "kapivara.v1.watch.>", "--raw", "--count", "1")
	for i := byte('a'); ; i++ { // until one comes after it has subscribed
		c.req("kapivara.v1.append.p", `{"stream": "a/b/c/`+string(i)+`", "events": [{"id": "`+string(i)+`", "type": "t"}]}`)
		select {
		case line := <-watch.lines:
			if !strings.Contains(line, `"logposition"`) {
				t.Errorf("watched: got %q, want an event", line)
			}
			return
		case <-time.After(200 * time.Millisecond):
			if i == 'z' {
				t.Fatal("nothing was watched")
			}
		}
	}
}
