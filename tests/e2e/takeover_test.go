package e2e_test

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"kapivara/tests/kit"
)

func typesOf(t *testing.T, log realLog) map[string]bool {
	t.Helper()
	types := map[string]bool{}
	eachLine(t, log.file, func(line []byte) {
		var a arrival
		if err := json.Unmarshal(line, &a); err != nil {
			t.Fatal(err)
		}
		types[a.Type] = true
	})
	return types
}

// The services are killed, ended, and cut off from each other while a log goes through. A client that asks again sees
// nothing of it: all is stored and delivered, honest answers outlive the dispatcher that sent the delivery.
func TestServicesApartOutliveTheirParts(t *testing.T) {
	t.Parallel()
	log := openLog(t, "receipt")
	log.prefix, log.publisher = "lending/loans/application", "loans-api"
	a := startApart(t)
	writer := a.service("writer")
	a.service("reader")
	dispatchers := []*process{a.service("dispatcher"), a.service("dispatcher")}
	operator := a.as("operator")
	a.register(operator, log)

	operator.set("billing", `{"buckets": 7, "ack_wait": "2m"}`)
	dispatchers = a.answerAfterTakeover(dispatchers)
	dispatchers = append(dispatchers, a.service("dispatcher"))

	operator.set("billing", `{"max_in_flight": 4, "ack_wait": "3s", "max_attempts": 0, "backoff": ["100ms"]}`)
	got := newSeen()
	for range 3 {
		join(t, a.url, "billing", got, steady, a.user("subscriber")...)
	}
	sender := a.as("publisher")
	sender.within = 5 * time.Second
	im := startImporter(t, sender, log, func(string) bool { return true })
	at := func(percent int) {
		kit.Eventually(t, drainWithin, func() error {
			if n := im.acknowledged(); n*100 < percent*log.events {
				return fmt.Errorf("%d of %d events are acknowledged", n, log.events)
			}
			return nil
		})
	}
	at(10)
	dispatchers = a.killAtWork(dispatchers)
	at(25)
	next := a.service("writer")
	writer.signal(t, syscall.SIGTERM)
	if _, err := writer.ended(t, drainLimit); err != nil {
		t.Errorf("the writer after SIGTERM: %v", err)
	}
	at(40)
	a.restartNATS()
	at(60)
	a.service("writer")
	next.kill()
	at(80)
	dispatchers = append(dispatchers, a.service("dispatcher"))
	a.killAtWork(dispatchers)

	im.workers.Wait()
	for _, err := range im.faults {
		t.Error(err)
	}
	awaitDrained(t, operator, "billing", log.streams+heldStreams)
	im.checkPromises(t, operator, log.events+heldStreams)
	got.mu.Lock()
	t.Logf("%d attempts for %d deliveries", got.attempts, len(got.firsts))
	got.mu.Unlock()
	if python, err := exec.LookPath("python3"); err == nil {
		verify(t, python, log, got)
	}
}

const heldStreams = 7

// answerAfterTakeover takes deliveries, kills the dispatcher that sent them, and answers its successor.
func (a *apart) answerAfterTakeover(dispatchers []*process) []*process {
	a.t.Helper()
	publisher, subscriber := a.as("publisher"), a.as("subscriber")
	deliveries, err := subscriber.QueueSubscribeSync("kapivara.v1.bucket.billing.*", "billing")
	if err != nil {
		a.t.Fatal(err)
	}
	if err := subscriber.Flush(); err != nil {
		a.t.Fatal(err)
	}
	// One stream for each bucket, so that all of them are leased at once.
	taken := map[int]bool{}
	for i := 0; len(taken) < heldStreams; i++ {
		stream := fmt.Sprintf("lending/loans/application/held-%d", i)
		if bucket := jump(xxh64([]byte(stream)), heldStreams); !taken[bucket] {
			taken[bucket] = true
			publisher.ask("kapivara.v1.append.loans-api", fmt.Sprintf(`{"stream":%q,"events":[{"id":"held-%d","type":"Confirmation of receipt","final":true}]}`, stream, i), &appendReply{})
		}
	}
	replies := make([]string, heldStreams)
	for i := range replies {
		msg, err := deliveries.NextMsg(patience)
		if err != nil {
			a.t.Fatal(err)
		}
		replies[i] = msg.Reply
		var d delivery
		if err := json.Unmarshal(msg.Data, &d); err != nil {
			a.t.Fatal(err)
		}
		// Any dispatcher takes a request: the one without the duty forwards it, with the rights that it has.
		for range 4 {
			var settled struct{ Settled string }
			subscriber.ask("kapivara.v1.settle.billing", `{"token":`+encode(d.Token)+`,"answer":"progress"}`, &settled)
		}
	}
	dispatchers = a.killAtWork(dispatchers)
	for _, reply := range replies {
		var settled struct{ Settled string }
		kit.Eventually(a.t, time.Minute, func() error {
			err := subscriber.call(reply, "+ACK", &settled)
			if r := asRefusal(err); r != nil && !passing(r.Code) {
				a.t.Fatalf("an honest answer after the take-over: %v", r)
			}
			return err
		})
		if settled.Settled != "committed" {
			a.t.Errorf("after the take-over: got %q, want committed", settled.Settled)
		}
	}
	if err := deliveries.Unsubscribe(); err != nil {
		a.t.Fatal(err)
	}
	if err := subscriber.Flush(); err != nil {
		a.t.Fatal(err)
	}
	return dispatchers
}
