package e2e_test

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
)

// drainLimit is twice what a drain may take (I-23: 10 s), since the machine may have more to do.
const drainLimit = 20 * time.Second

// A signal ends the process, and everything that it had accepted is answered first: appends and answers to deliveries.
func TestASignalDrains(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	stored := map[string]bool{}
	for round, signal := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
		bus, url := up(t, dir, -1)
		c := dial(t, url, nats.NoReconnect())
		c.set("drain", `{"buckets": 1, "max_in_flight": 1000, "start": "beginning"}`)
		held := hold(t, c, 100, round)

		const appends = 1500
		answers, inbox := make(chan *nats.Msg, appends+len(held)), c.NewRespInbox() // a channel keeps them when the connection ends
		if _, err := c.ChanSubscribe(inbox, answers); err != nil {
			t.Fatal(err)
		}
		for i := range appends {
			body := fmt.Sprintf(`{"stream":"a/b/c/r%d-%d","events":[{"id":"r%d-%d","type":"t","data":%q}]}`, round, i%50, round, i, strings.Repeat("x", 5000))
			if err := c.PublishRequest("kapivara.v1.append.p", inbox, []byte(body)); err != nil {
				t.Fatal(err)
			}
		}
		for _, msg := range held {
			if err := c.PublishRequest(msg.Reply, inbox, []byte("+ACK")); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.FlushTimeout(patience); err != nil { // the server has handed all of it to the services
			t.Fatal(err)
		}
		bus.signal(t, signal)
		signalled := time.Now()
		committed := 0
		for i := range appends + len(held) {
			select {
			case msg := <-answers:
				committed += note(t, msg.Data, stored)
			case <-time.After(patience):
				t.Fatalf("%v: %d of %d requests are answered", signal, i, appends+len(held))
			}
		}
		if _, err := bus.ended(t, drainLimit); err != nil {
			t.Errorf("after %v: %v", signal, err)
		}
		t.Logf("%v: ended after %v, %d events stored, %d of %d deliveries committed", signal, time.Since(signalled), len(stored), committed, len(held))
		awaitNothingLeft(t, dir)
	}
	bus, url := up(t, dir, -1)
	checkStored(t, dial(t, url), stored)
	bus.down(t)
}

// hold takes so many deliveries without answering them.
func hold(t *testing.T, c caller, n, round int) (held []*nats.Msg) {
	t.Helper()
	deliveries, err := c.QueueSubscribeSync("kapivara.v1.bucket.drain.*", "drain")
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		c.ask("kapivara.v1.append.p", fmt.Sprintf(`{"stream":"a/b/c/h%d-%d","events":[{"id":"h%d-%d","type":"t","final":true}]}`, round, i, round, i), &appendReply{})
	}
	for range n {
		msg, err := deliveries.NextMsg(patience)
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, msg)
	}
	return held
}

// note reads an answer, and counts 1 where it is the commit of a delivery. A refusal that passes is an answer too.
func note(t *testing.T, data []byte, stored map[string]bool) int {
	t.Helper()
	var reply struct {
		appendReply
		Settled string
		Error   *struct{ Code string }
	}
	if err := json.Unmarshal(data, &reply); err != nil {
		t.Fatalf("answer %q: %v", data, err)
	}
	switch {
	case reply.Settled == "committed":
		return 1
	case reply.Error != nil && passing(reply.Error.Code):
	case reply.Error != nil || len(reply.Events) != 1 || !reply.Events[0].Stored:
		t.Errorf("got the answer %.200s", data)
	default:
		stored[reply.Events[0].ID] = true
	}
	return 0
}

// checkStored looks for all that was acknowledged in the log.
func checkStored(t *testing.T, c caller, stored map[string]bool) {
	t.Helper()
	found := 0
	for after, more := int64(0), true; more; {
		var page struct {
			Events []cloudEvent
			Next   int64
			More   bool
		}
		c.ask("kapivara.v1.read.log._", fmt.Sprintf(`{"after": %d, "limit": 10000}`, after), &page)
		for i := range page.Events {
			if stored[page.Events[i].ID] {
				found++
			}
		}
		after, more = page.Next, page.More
	}
	if found != len(stored) {
		t.Errorf("got %d of the %d events that were acknowledged", found, len(stored))
	}
}

// A folder has one owner. The second one says so and ends; the first one goes on.
func TestASecondUpOnTheSameFolderIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	bus, url := up(t, dir, -1)
	second := startUp(t, dir, -1)
	out, err := second.ended(t, time.Minute)
	if err == nil || len(out) > 0 {
		t.Errorf("the second one: got %v, stdout %q; want an error and no ready line", err, out)
	}
	if log := second.log.String(); !strings.Contains(log, dir) || !strings.Contains(log, "another") {
		t.Errorf("the second one does not say what is wrong:\n%s", log)
	}
	dial(t, url).ask("kapivara.v1.append.p", `{"stream":"a/b/c/1","events":[{"id":"1","type":"t"}]}`, &appendReply{})
	bus.down(t)
}

// A port that is taken is named, and nothing is left behind.
func TestATakenPortIsNamed(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	dir := t.TempDir()
	second := startUp(t, dir, taken.Addr().(*net.TCPAddr).Port)
	if out, err := second.ended(t, time.Minute); err == nil || len(out) > 0 {
		t.Errorf("got %v, stdout %q; want an error and no ready line", err, out)
	}
	if log := second.log.String(); !strings.Contains(log, taken.Addr().String()) {
		t.Errorf("%s is not named:\n%s", taken.Addr(), log)
	}
	awaitNothingLeft(t, dir)
}

// When its PostgreSQL dies, all of it ends and says why, and nothing is lost.
func TestUpEndsWithItsPostgreSQL(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	bus, url := up(t, dir, -1)
	dial(t, url).ask("kapivara.v1.append.p", `{"stream":"a/b/c/1","events":[{"id":"1","type":"t"}]}`, &appendReply{})
	text, err := os.ReadFile(filepath.Join(dir, "pgdata", "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(line)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if _, err := bus.ended(t, time.Minute); err == nil {
		t.Error("ended without an error")
	}
	if log := bus.log.String(); !strings.Contains(log, "PostgreSQL ended by itself: ") {
		t.Errorf("it does not say why:\n%s", log)
	}
	awaitNothingLeft(t, dir)
	bus, url = up(t, dir, -1)
	checkStored(t, dial(t, url), map[string]bool{"1": true})
	bus.down(t)
}
