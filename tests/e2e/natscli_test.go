package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"kapivara/tests/kit"
)

// natsCLI is the stock nats command: that of the PATH, else the one that tools/go.mod names, built by Go.
func natsCLI(t *testing.T) string {
	t.Helper()
	if path, err := exec.LookPath("nats"); err == nil {
		return path
	}
	if testing.Short() {
		t.Skip("needs the nats command on the PATH; it is not built with -short")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", "tool", "-modfile=tools/go.mod", "-n", "nats")
	cmd.Dir = kit.Root(t)
	cmd.WaitDelay = time.Second
	var log bytes.Buffer
	cmd.Stderr = &log
	out, err := cmd.Output()
	if err != nil {
		text := log.Bytes()
		t.Skipf("needs the nats command, which can't be built here: %v\n%s", err, text[max(0, len(text)-500):])
	}
	return strings.TrimSpace(string(out))
}

// cli runs the nats command against one server.
type cli struct {
	t    *testing.T
	path string
	env  []string
}

func newCLI(t *testing.T, url string) *cli {
	t.Helper()
	home := t.TempDir()
	return &cli{t: t, path: natsCLI(t), env: []string{"NATS_URL=" + url, "HOME=" + home, "XDG_CONFIG_HOME=" + home, "NATS_TIMEOUT=30s"}}
}

// run gives what the command says on both streams, and how it ended.
func (c *cli) run(args ...string) (out, log string, err error) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, c.path, args...)
	cmd.Env = append(os.Environ(), c.env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err = cmd.Run()
	return stdout.String(), stderr.String(), err
}

// says is run for commands that have to work.
func (c *cli) says(args ...string) string {
	c.t.Helper()
	out, log, err := c.run(args...)
	if err != nil {
		c.t.Fatalf("nats %v: %v\n%s%s", args, err, out, log)
	}
	return out
}

// req sends a request and gives its reply.
func (c *cli) req(subject, body string) map[string]any {
	c.t.Helper()
	out := c.says("req", "--raw", subject, body)
	var reply map[string]any
	if err := json.Unmarshal([]byte(out), &reply); err != nil {
		c.t.Fatalf("%s %s: got %q: %v", subject, body, out, err)
	}
	return reply
}

// reqErr sends a request that is refused, and gives its code.
func (c *cli) reqErr(subject, body string) any {
	c.t.Helper()
	failed, ok := c.req(subject, body)["error"].(map[string]any)
	if !ok {
		c.t.Fatalf("%s %s: is not refused", subject, body)
	}
	return failed["code"]
}

// worker runs the nats command beside the test until its end.
func (c *cli) worker(args ...string) *process {
	c.t.Helper()
	return spawn(c.t, c.env, c.path, args...)
}

// is compares a field of a reply.
func (c *cli) is(reply map[string]any, field string, want any) {
	c.t.Helper()
	if got := encode(reply[field]); got != encode(want) {
		c.t.Errorf("%s: got %s, want %s", field, got, encode(want))
	}
}

// Everything that is built can be done with the nats command and nothing of ours.
func TestTheNatsCommandIsEnough(t *testing.T) {
	t.Parallel()
	url, _ := startBus(t)
	c := newCLI(t, url)

	c.is(c.req("kapivara.v1.registry.publisher.set.loans-api", `{"streams": ["lending/*"]}`), "name", "loans-api")
	c.is(c.req("kapivara.v1.registry.event-type.set.loans-api", `{"type": "application.priced", "schema": {"type": "object"}}`), "type", "application.priced")
	c.is(c.req("kapivara.v1.registry.subscriber.set.billing", `{"buckets": 4}`), "buckets", 4)
	c.is(c.req("kapivara.v1.registry.subscriber.set.audit", `{"types": ["application.*"], "buckets": 1}`), "types", []string{"application.*"})
	c.is(c.req("kapivara.v1.registry.subscriber.set.billing", `{"description": "invoices"}`), "buckets", 4)
	c.is(c.req("kapivara.v1.registry.subscriber.get.billing", ``), "description", "invoices")
	if got := c.req("kapivara.v1.registry.subscriber.list", `{}`)["items"].([]any); len(got) != 2 {
		t.Errorf("list of subscribers: got %v", got)
	}
	billing := c.worker("reply", "kapivara.v1.bucket.billing.*", "--queue", "billing", "+ACK")
	defer billing.kill()

	const stream = "lending/loans/application/A-1"
	appendTo := func(event string) string { return `{"stream": "` + stream + `", "events": [` + event + `]}` }
	first := c.req("kapivara.v1.append.loans-api", appendTo(`{"id": "e-1", "type": "application.submitted", "data": {"amount": 20000}}`))
	c.is(first, "version", 1)
	c.is(first, "finish", nil)
	if got := c.reqErr("kapivara.v1.append.loans-api", appendTo(`{"id": "e-2", "type": "application.priced", "data": 3}`)); got != "schema_violation" {
		t.Errorf("data that does not fit: got %v", got)
	}
	c.is(c.req("kapivara.v1.append.loans-api", appendTo(`{"id": "e-2", "type": "application.priced", "data": {}, "final": true}`)), "complete", true)
	if got := c.reqErr("kapivara.v1.append.loans-api", appendTo(`{"id": "e-2", "type": "other"}`)); got != "event_id_reused" {
		t.Errorf("an id again: got %v", got)
	}
	checkReadsByCLI(t, c, stream)
	checkSettleByCLI(t, c)
	checkCommittedByCLI(t, c, stream)
	checkRegistryRemovalByCLI(t, c)
}

func checkReadsByCLI(t *testing.T, c *cli, stream string) {
	t.Helper()
	ask := `{"stream": "` + stream + `"}`
	c.is(c.req("kapivara.v1.read.event.lending", `{"id": "e-1"}`), "logposition", "1")
	c.is(c.req("kapivara.v1.read.stream.lending", ask), "contiguous", 2)
	c.is(c.req("kapivara.v1.read.log._", `{"after": 1}`), "next", 2)
	c.is(c.req("kapivara.v1.read.log._", `{"after": 2, "wait": "100ms"}`), "events", []int{})
	c.is(c.req("kapivara.v1.read.streams.lending", `{"state": "complete"}`), "next", nil)
	if got := c.reqErr("kapivara.v1.read.stream.other", ask); got != "invalid_request" {
		t.Errorf("another context's subject: got %v", got)
	}
	out, log, err := c.run("req", "kapivara.v1.read.event.lending", `{"id": "none"}`)
	if err != nil || !strings.Contains(log+out, "Nats-Service-Error-Code: 404") || !strings.Contains(log+out, "Nats-Service-Error: not_found: ") {
		t.Errorf("a refusal as people see it: got %v\n%s%s", err, out, log)
	}
}

// checkSettleByCLI takes a delivery in the queue group without a reply, and answers by its token.
func checkSettleByCLI(t *testing.T, c *cli) {
	t.Helper()
	var d delivery
	out := c.says("sub", "kapivara.v1.bucket.audit.*", "--queue", "audit", "--raw", "--count", "1")
	if err := json.Unmarshal([]byte(out), &d); err != nil || d.To != 2 || len(d.Events) != 2 {
		t.Fatalf("delivery: got %q, %v", out, err)
	}
	body := func(answer string) string { return fmt.Sprintf(`{"token": %q, "answer": %q}`, d.Token, answer) }
	c.is(c.req("kapivara.v1.settle.audit", body("progress")), "settled", "extended")
	for range 2 {
		c.is(c.req("kapivara.v1.settle.audit", body("ack")), "settled", "committed")
	}
	if got := c.reqErr("kapivara.v1.settle.audit", body("nak")); got != "stale_token" {
		t.Errorf("another answer: got %v", got)
	}
	c.is(c.req("kapivara.v1.read.last-committed.audit", `{"bucket": "0"}`), "number", 1)
	c.is(c.req("kapivara.v1.read.delivery.audit", `{"bucket": "0", "number": 1}`), "next", nil)
	c.is(c.req("kapivara.v1.read.bucket.audit", `{"bucket": "0", "state": "committed"}`), "next", nil)
	c.is(c.req("kapivara.v1.read.subscriber.audit", `{}`), "extra_answers", 1)
}

// checkCommittedByCLI waits until the worker, which is nothing but nats reply, has committed.
func checkCommittedByCLI(t *testing.T, c *cli, stream string) {
	t.Helper()
	kit.Eventually(t, 2*patience, func() error {
		reply := c.req("kapivara.v1.read.explain.lending", `{"stream": "`+stream+`", "subscriber": "billing"}`)
		for _, s := range reply["subscribers"].([]any) {
			if s.(map[string]any)["state"] == "committed" {
				return nil
			}
		}
		return fmt.Errorf("not committed: %v", reply)
	})
}

func checkRegistryRemovalByCLI(t *testing.T, c *cli) {
	t.Helper()
	c.is(c.req("kapivara.v1.registry.subscriber.remove.audit", `{}`), "removed", true)
	c.is(c.req("kapivara.v1.registry.event-type.get.loans-api", `{"type": "application.priced"}`), "publisher", "loans-api")
	c.is(c.req("kapivara.v1.registry.event-type.remove.loans-api", `{"type": "application.priced"}`), "removed", true)
	c.is(c.req("kapivara.v1.registry.event-type.list", ``), "next", nil)
	c.is(c.req("kapivara.v1.registry.publisher.get.loans-api", ``), "streams", []string{"lending/*"})
	c.is(c.req("kapivara.v1.registry.publisher.list", `{"limit": 1}`), "next", nil)
	if got := c.reqErr("kapivara.v1.registry.subscriber.get.audit", ``); got != "not_found" {
		t.Errorf("a subscriber that was removed: got %v", got)
	}
}
